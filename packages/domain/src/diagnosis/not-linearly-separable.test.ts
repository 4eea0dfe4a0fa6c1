import type { EpochMetrics, JobSpec } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { mergePatch } from '../merge-patch.ts'
import { resolveConfig } from '../resolve-config.ts'
import { diagnose } from './diagnose.ts'

const GATES = {
  rows: 4,
  target: 'y',
  task: 'classification' as const,
  columns: ['a', 'b', 'y'].map((name) => ({
    name,
    type: 'number' as const,
    role: name === 'y' ? ('target' as const) : ('feature' as const),
    levels: name === 'y' ? ['0', '1'] : null,
    ...{ missing: 0, min: 0, max: 1, mean: 0.5, std: 0.5 },
  })),
}
const PERCEPTRON: JobSpec = {
  dataset_id: 'ds_1',
  model: { hidden: [], output: { activation: 'step' } },
  training: { optimizer: { type: 'perceptron', learning_rate: 0.1 }, epochs: 40 },
}

describe('a perceptron that never has an epoch without a mistake', () => {
  it('is told what it is, by which epochs, and how sure that is', () => {
    const [finding] = findingsOf(PERCEPTRON, [0.75, 0.5, ...Array<number>(38).fill(0.5)])

    expect(finding).toMatchObject({
      code: 'not_linearly_separable',
      message: 'not linearly separable by this model: add a hidden layer',
      evidence: [{ epoch: 2, metric: 'train_loss', value: 0.5, threshold: 0, layer: null }],
    })
    expect(finding?.explanation).toMatch(
      /None of 40 epochs.* 0.5, .*epoch 2, .*38 epochs.*no proof/,
    )
  })

  it.each<[string, JobSpec]>([
    ['as it is', PERCEPTRON],
    [
      'with everything it may have set',
      {
        ...PERCEPTRON,
        model: { hidden: [], output: { activation: 'step', initializer: 'zeros' } },
        training: {
          ...PERCEPTRON.training,
          loss: 'auto',
          batch_size: 1,
          epochs: 2000,
          regularization: { l2: 0.1 },
          early_stopping: { metric: 'train_loss' },
        },
      },
    ],
  ])('gets a patch that makes a valid job of it, %s', (_, spec) => {
    const [finding] = findingsOf(spec, Array<number>(40).fill(0.5))

    const patched = mergePatch(spec, finding?.suggested_patch) as JobSpec

    const resolved = resolve(patched)
    expect(resolved.model).toMatchObject({
      hidden: [{ units: 8, activation: 'tanh' }],
      output: { units: 1, activation: 'sigmoid' },
    })
    expect(resolved.training).toMatchObject({
      loss: 'binary_cross_entropy',
      optimizer: { type: 'adam' },
      epochs: Math.max(300, spec.training?.epochs ?? 0),
    })
  })
})

describe('no such finding', () => {
  it('while the error rate still falls', () => {
    expect(findingsOf(PERCEPTRON, [0.75, ...Array<number>(30).fill(0.5), 0.25])).toEqual([])
  })

  it('after a few epochs', () => {
    expect(findingsOf(PERCEPTRON, Array<number>(10).fill(0.5))).toEqual([])
    expect(findingsOf(PERCEPTRON, [])).toEqual([])
  })

  it('once one epoch was without a mistake', () => {
    expect(findingsOf(PERCEPTRON, [0.75, 0, ...Array<number>(30).fill(0)])).toEqual([])
  })

  it('about a network that is no perceptron', () => {
    const spec = { dataset_id: 'ds_1', model: { hidden: [] } }

    expect(findingsOf(spec, Array<number>(40).fill(0.7))).toEqual([])
  })
})

function resolve(spec: JobSpec) {
  return resolveConfig(spec, {
    dataset: GATES,
    inputWidth: () => 2,
    initialModel: null,
    validationSet: null,
    testSet: null,
    drawSeed: () => 1,
  })
}

function findingsOf(spec: JobSpec, losses: readonly number[]) {
  const epochs = losses.map(
    (train_loss, i): EpochMetrics => ({
      epoch: i + 1,
      step: 4 * (i + 1),
      train_loss,
      train_penalty: 0,
      train_accuracy: 1 - train_loss,
      val_loss: null,
      val_accuracy: null,
      learning_rate: 0.1,
      gradient_norm: 1,
      examples_per_second: 1000,
      duration_ms: 1,
    }),
  )
  return diagnose({ job: { config: spec, resolved_config: resolve(spec) }, epochs })
}
