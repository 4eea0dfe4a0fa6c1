import type { Job } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../test/support/factories.ts'
import { findForkFaults, toCloneBase, toForkBase } from './fork-job.ts'

type Resolved = ReturnType<typeof makeResolvedConfig>

const after = (change: (resolved: Resolved) => void) => {
  const resolved = makeResolvedConfig()
  change(resolved)
  return findForkFaults(makeResolvedConfig(), resolved, { epoch: 3, seconds: 0.5 }).map(
    ({ pointer }) => pointer,
  )
}

it.each<[string, (resolved: Resolved) => void]>([
  [
    'epochs',
    (resolved) => {
      resolved.training.epochs = 20
    },
  ],
  [
    'the rate',
    (resolved) => {
      resolved.training.optimizer.learning_rate = 1
    },
  ],
  [
    'dropout',
    (resolved) => {
      resolved.model.input_dropout = 0.5
    },
  ],
  [
    'penalties',
    (resolved) => {
      resolved.training.regularization = { l1: 0, l2: 1 }
    },
  ],
  [
    'limits',
    (resolved) => {
      resolved.limits.max_seconds = 1
    },
  ],
  [
    'class weights',
    (resolved) => {
      resolved.training.class_weight = 'balanced'
    },
  ],
])('lets a fork change %s', (_, change) => {
  expect(after(change)).toEqual([])
})

it.each<[string, (resolved: Resolved) => void]>([
  [
    'seed',
    (resolved) => {
      resolved.seed = 8
    },
  ],
  [
    'training/batch_size',
    (resolved) => {
      resolved.training.batch_size = 5
    },
  ],
  [
    'training/loss',
    (resolved) => {
      resolved.training.loss = 'hinge'
    },
  ],
  [
    'training/optimizer/type',
    (resolved) => {
      resolved.training.optimizer = { type: 'sgd', learning_rate: 0.05 }
    },
  ],
  [
    'validation',
    (resolved) => {
      resolved.validation = { fraction: 0.5, stratify: true, group_column: null }
    },
  ],
  [
    'model/hidden',
    (resolved) => {
      resolved.model.hidden = []
    },
  ],
  [
    'preprocessing',
    (resolved) => {
      resolved.preprocessing.numeric = 'none'
    },
  ],
])('does not let a fork change %s', (place, change) => {
  expect(after(change)).toEqual([`#/${place}`])
})

it('asks for more epochs than the checkpoint has behind it', () => {
  expect(
    after((resolved) => {
      resolved.training.epochs = 3
    }),
  ).toEqual(['#/training/epochs'])
})

it('asks for more seconds than the checkpoint has behind it, or it would end where it began', () => {
  expect(
    after((resolved) => {
      resolved.limits.max_seconds = 0.5
    }),
  ).toEqual(['#/limits/max_seconds'])
})

it('writes out what the recipe chose, so that other epochs do not choose another batch', () => {
  const job = { config: { dataset_id: 'ds' }, resolved_config: makeResolvedConfig() } as Job

  expect(toForkBase(job)).toEqual({
    dataset_id: 'ds',
    seed: 7,
    training: { batch_size: 4, epochs: 10, early_stopping: null },
  })
})

it('names the version that the training began with, wherever its alias points by now', () => {
  const resolved = {
    ...makeResolvedConfig(),
    initial_weights: { model: 'digits', version: 3, sha256: 'of the third' },
  }
  const config = { dataset_id: 'ds', initial_weights: { model: 'digits' } }

  const base = toForkBase({ config, resolved_config: resolved } as Job)

  expect(base.initial_weights).toEqual({ model: 'digits', version: 3 })
})

describe('a clone of a job whose length the recipe chose', () => {
  const recipe = { training: { batch_size: 4, epochs: 10, early_stopping: null } }
  const baseOf = (config: object, patch: object) => {
    const job = { config: { dataset_id: 'ds', ...config }, resolved_config: makeResolvedConfig() }
    return toCloneBase(job as Job, patch as Record<string, unknown>)
  }

  it.each([{ epochs: 20 }, { batch_size: 8 }])(
    'keeps the rest of it when the patch names %o',
    (training) => {
      expect(baseOf({}, { training })).toEqual({ dataset_id: 'ds', seed: 7, ...recipe })
    },
  )

  it.each<[string, object, object]>([
    ['names neither', {}, { training: { threads: 2 } }],
    ['names other data', {}, { dataset_id: 'other', training: { epochs: 20 } }],
    ['removes the training', {}, { training: null }],
  ])('is resolved anew when the patch %s', (_, config, patch) => {
    expect(baseOf(config, patch)).toEqual({ dataset_id: 'ds', seed: 7 })
  })

  it('has no such ties when the job names one of the two', () => {
    const training = { epochs: 10 }

    expect(baseOf({ training }, { training: { epochs: 20 } })).toEqual({
      dataset_id: 'ds',
      seed: 7,
      training,
    })
  })
})
