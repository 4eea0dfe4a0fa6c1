import type { JobSpec } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { DomainError } from './errors.ts'
import { resolveConfig } from './resolve-config.ts'
import type { InitialModel } from './resolve-initial-weights.ts'

const MODEL: InitialModel = {
  model: 'm',
  version: 3,
  sha256: 'abc',
  architecture: {
    inputs: 2,
    hidden: [{ units: 4, activation: 'tanh', batch_norm: false }],
    outputs: 1,
    output_activation: 'sigmoid',
    task: 'classification',
    classes: ['0', '1'],
    target: 'y',
  },
}
const SPEC: JobSpec = {
  dataset_id: 'ds_1',
  model: { hidden: [{ units: 4, activation: 'relu' }] },
  initial_weights: { model: 'm' },
}

describe('a warm start', () => {
  it('names version and content of the weights, whatever the activations are', () => {
    expect(resolve(SPEC).initial_weights).toEqual({ model: 'm', version: 3, sha256: 'abc' })
  })

  it('is refused with every shape that differs, its value and that of the model', () => {
    const hidden = [{ units: 5, batch_norm: true, initializer: 'zeros' as const }, { units: 1 }]

    const errors = faultsOf(
      { ...SPEC, model: { hidden }, training: { loss: 'cross_entropy' } },
      { inputs: 6 },
    )

    expect(errors).toEqual([
      ['#/dataset_id', 'the inputs are 6, but model "m" version 3 has 2'],
      ['#/model/hidden', 'the hidden layers are 2, but model "m" version 3 has 1'],
      ['#/model/hidden/0/units', 'the units are 5, but model "m" version 3 has 4'],
      ['#/model/hidden/0/batch_norm', 'batch_norm is true, but model "m" version 3 has false'],
      ['#/model/output', 'the outputs are 2, but model "m" version 3 has 1'],
      [
        '#/model/hidden/0/initializer',
        'the weights come from initial_weights; leave the initializer out',
      ],
    ])
  })

  it.each([
    [['1', '0'], 'the target has the classes "1", "0", but model "m" version 3 has the classes'],
    [['0', '2'], 'the target has the classes "0", "2"'],
  ])('is refused where the classes are %j', (classes, detail) => {
    expect(faultsOf(SPEC, { classes })).toEqual([
      ['#/initial_weights/model', expect.stringContaining(detail)],
    ])
  })

  it('is refused where one is about classes and the other about numbers', () => {
    expect(faultsOf({ ...SPEC, task: 'regression' }, {})).toEqual([
      ['#/initial_weights/model', expect.stringContaining('the target has no classes')],
    ])
  })
})

function resolve(spec: JobSpec, { inputs = 2, classes = ['0', '1'] } = {}) {
  return resolveConfig(spec, {
    dataset: {
      rows: 4,
      target: 'y',
      task: 'classification',
      columns: [
        {
          name: 'y',
          type: 'number',
          role: 'target',
          levels: classes,
          ...{ missing: 0, min: 0, max: 1, mean: 0.5, std: 0.5 },
        },
      ],
    },
    inputWidth: () => inputs,
    initialModel: MODEL,
    validationSet: null,
    testSet: null,
    drawSeed: () => 1,
  })
}

function faultsOf(spec: JobSpec, data: { inputs?: number; classes?: string[] }) {
  try {
    resolve(spec, data)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return error.details.errors?.map(({ pointer, detail }) => [pointer, detail])
  }
  throw new Error('the specification was accepted')
}
