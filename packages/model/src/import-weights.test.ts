import type { ImportedNetworkDocument, ImportModelBody } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { type ImportedNetwork, importWeights } from './import-weights.ts'
import { unpackLayers } from './layer-bytes.ts'

const ARCHITECTURE: ImportModelBody['architecture'] = {
  inputs: 2,
  hidden: [{ units: 3, activation: 'relu', batch_norm: true }],
  outputs: 1,
  task: 'classification',
  classes: ['no', 'yes'],
}
const LAYERS: ImportedNetworkDocument['layers'] = [
  {
    weight: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    bias: [0.1, 0.2, 0.3],
    gamma: [1, 1, 1],
    beta: [0, 0, 0],
    running_mean: [0, 0, 0],
    running_var: [1, 1, 1],
  },
  { weight: [[7, 8, 9]], bias: [10] },
]

describe('importWeights', () => {
  it('stores the numbers as float32 in the order of the layers, and fills in what follows', () => {
    const { networks, bytes, parameterCount } = imported({})
    const { architecture, preprocessing } = networks[0] as ImportedNetwork

    expect(architecture).toEqual({
      ...ARCHITECTURE,
      output_activation: 'sigmoid',
      target: 'target',
    })
    expect(parameterCount).toBe(3 * 2 + 3 * 3 + 3 + 1)
    expect(preprocessing).toBeNull()
    const [first, second] = unpackLayers(architecture, bytes)
    expect(first).toMatchObject({
      weight: Float32Array.of(1, 2, 3, 4, 5, 6),
      bias: Float32Array.of(0.1, 0.2, 0.3),
      runningVariance: Float32Array.of(1, 1, 1),
    })
    expect(second).toEqual({ weight: Float32Array.of(7, 8, 9), bias: Float32Array.of(10) })
  })

  it('takes the architecture inside the document, unless there is an outer one', () => {
    const inner = { ...ARCHITECTURE, classes: ['a', 'b'] }
    const weights = { format: 'trainyard/1' as const, layers: LAYERS, architecture: inner }

    const alone = importWeights({ name: 'm', weights })
    const both = importWeights({ name: 'm', weights, architecture: ARCHITECTURE })

    expect(alone).toMatchObject({
      weights: { networks: [{ architecture: { classes: ['a', 'b'] } }] },
    })
    expect(both).toMatchObject({
      weights: { networks: [{ architecture: { classes: ['no', 'yes'] } }] },
    })
  })

  it('names every number and shape that is wrong, with its place', () => {
    const layers = [
      {
        weight: [[1, 2], [3], [5, 1e39]],
        bias: [0, 0],
        gamma: [1, 1, 1],
        beta: [0, 0, 0],
        running_mean: [0, 0, 0],
        running_var: [1, -1, 1],
      },
      { weight: [[7, 8, 9]], bias: [10], gamma: [1] },
    ]

    expect(refused({ layers })).toEqual([
      ['#/weights/layers/0/weight/1', 'must hold 2 numbers, got 1'],
      ['#/weights/layers/0/bias', 'must hold 3 numbers, got 2'],
      ['#/weights/layers/0/running_var/1', 'a variance must be at least 0, got -1'],
      ['#/weights/layers/1/gamma', 'the layer has no batch normalization'],
      [
        '#/weights/layers/0/weight/2/1',
        'must be at most 3.4028234663852886e+38 as a 32-bit number, got 1e+39',
      ],
    ])
  })

  it.each<[string, Parameters<typeof refused>[0], string, RegExp]>([
    [
      'a layer too few',
      { layers: LAYERS.slice(0, 1) },
      '#/weights/layers',
      /2 layers, the output layer last, got 1/,
    ],
    [
      'a matrix the wrong way round',
      { layers: [{ ...LAYERS[0], weight: [[], []], bias: [0, 0, 0] }, ...LAYERS.slice(1)] },
      '#/weights/layers/0/weight',
      /a row for each of 3 units \(\[out\]\[in\]\), got 2/,
    ],
    [
      'no statistics of a normalization',
      {
        layers: [{ weight: LAYERS[0]?.weight ?? [], bias: [0, 0, 0] }, ...LAYERS.slice(1)],
      },
      '#/weights/layers/0/running_var',
      /is required/,
    ],
    ['no architecture', { architecture: undefined }, '#/architecture', /is required/],
    [
      'no classes',
      { architecture: { ...ARCHITECTURE, classes: null } },
      '#/architecture/classes',
      /at least 2 classes.*got none/,
    ],
    [
      'a class twice',
      { architecture: { ...ARCHITECTURE, classes: ['a', 'a'] } },
      '#/architecture/classes/1',
      /"a" is there twice/,
    ],
    [
      'three classes of one output',
      { architecture: { ...ARCHITECTURE, classes: ['a', 'b', 'c'] } },
      '#/architecture/classes',
      /2 classes apart, not 3/,
    ],
    [
      'more outputs than classes',
      { architecture: { ...ARCHITECTURE, outputs: 3 } },
      '#/architecture/outputs',
      /"softmax" with 2 classes has 2 outputs, got 3/,
    ],
    [
      'a step after a hidden layer',
      { architecture: { ...ARCHITECTURE, output_activation: 'step' } },
      '#/architecture/hidden',
      /no hidden layers, got 1/,
    ],
    [
      'classes of a regression',
      { architecture: { ...ARCHITECTURE, task: 'regression' } },
      '#/architecture/classes',
      /a regression has no classes/,
    ],
    [
      'preprocessing of another width',
      { preprocessing: { columns: [numeric('a', 1)], target: null } },
      '#/weights/preprocessing/columns',
      /gives 1 inputs, the architecture has 2/,
    ],
    [
      'a scale of zero',
      { preprocessing: { columns: [numeric('a', 1), numeric('b', 0)], target: null } },
      '#/weights/preprocessing/columns/1/scale',
      /more than 0, got 0/,
    ],
  ])('refuses %s', (_, change, pointer, detail) => {
    expect(refused(change)).toContainEqual([pointer, expect.stringMatching(detail)])
  })

  it('takes several networks as one, and says which of them does not go with the first', () => {
    const member = { format: 'trainyard/1', architecture: ARCHITECTURE, layers: LAYERS } as const
    const other = { ...member, architecture: { ...ARCHITECTURE, classes: ['yes', 'no'] } }
    const send = (members: unknown[]) =>
      importWeights({
        name: 'm',
        weights: { format: 'trainyard-ensemble/1', members },
      } as ImportModelBody)

    const whole = send([member, member])
    const mixed = send([member, other])

    expect(whole).toMatchObject({ kind: 'imported', weights: { parameterCount: 38 } })
    expect(mixed).toEqual({
      kind: 'refused',
      errors: [
        {
          pointer: '#/weights/members/1',
          detail:
            'has other classes than the first member; they must be the same in the same order',
        },
      ],
    })
  })

  it('stops at a hundred faults', () => {
    const architecture = { ...ARCHITECTURE, hidden: [{ units: 500, activation: 'relu' as const }] }
    const weight = Array.from({ length: 500 }, () => [1])
    const layers = [{ weight, bias: [] }, ...LAYERS.slice(1)]

    expect(refused({ architecture, layers })).toHaveLength(100)
  })
})

interface Change {
  architecture?: unknown
  layers?: unknown
  preprocessing?: unknown
}

function importOf(change: Change) {
  const { layers = LAYERS, preprocessing } = change
  const architecture = 'architecture' in change ? change.architecture : ARCHITECTURE
  const weights = { format: 'trainyard/1', layers, preprocessing }
  return importWeights({ name: 'm', weights, architecture } as ImportModelBody)
}

function imported(change: Change) {
  const outcome = importOf(change)
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.errors))
  return outcome.weights
}

function refused(change: Change) {
  const outcome = importOf(change)
  if (outcome.kind === 'imported') throw new Error('the weights were accepted')
  return outcome.errors.map(({ pointer, detail }) => [pointer, detail])
}

function numeric(column: string, scale: number) {
  const plain = { log1p: false, missing: 0, center: 0, indicator: false }
  return { kind: 'numeric', column, type: 'number', scale, ...plain } as const
}
