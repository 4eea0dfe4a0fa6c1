import type { Architecture, Preprocessing } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { createPredictor } from './create-predictor.ts'
import { createModelPredictor, findEnsembleFaults, unpackNetworks } from './ensemble.ts'
import { packLayers } from './layer-bytes.ts'

const CLASSIFIER: Architecture = {
  inputs: 1,
  hidden: [],
  outputs: 1,
  output_activation: 'sigmoid',
  task: 'classification',
  classes: ['no', 'yes'],
  target: 'y',
}
const REGRESSOR: Architecture = {
  ...CLASSIFIER,
  output_activation: 'linear',
  task: 'regression',
  classes: null,
}
const NUMBER: Preprocessing = {
  columns: [
    {
      ...{ kind: 'numeric', column: 'x', type: 'number', log1p: false, indicator: false },
      ...{ missing: 0, center: 0, scale: 1 },
    },
  ],
  target: null,
}
const layersOf = (slope: number) => [{ weight: Float32Array.of(slope), bias: Float32Array.of(0) }]
const classifier = (slope: number) => ({
  architecture: CLASSIFIER,
  preprocessing: NUMBER,
  layers: layersOf(slope),
})

describe('createModelPredictor', () => {
  it('averages the probabilities of the members, and labels by the mean', () => {
    const members = [classifier(4), classifier(-1), classifier(-2)]

    const [item] = createModelPredictor(members).predict({ rows: [[1]] })

    const yes = members
      .map((member) => createPredictor(member).predict({ rows: [[1]] })[0]?.probabilities?.yes ?? 0)
      .reduce((sum, share) => sum + share / 3, 0)
    expect(item?.probabilities?.yes).toBeCloseTo(yes, 7)
    // Two of three say no, but less surely than the third says yes.
    expect(item?.label).toBe('no')
    expect(createModelPredictor(members).predict({ rows: [[1]] }, ['label'])).toEqual([
      { label: 'no' },
    ])
  })

  it('averages values in their own unit', () => {
    const member = (slope: number, center: number) => ({
      architecture: REGRESSOR,
      preprocessing: { ...NUMBER, target: { center, scale: 2 } },
      layers: layersOf(slope),
    })

    expect(createModelPredictor([member(1, 10), member(3, 20)]).predict({ rows: [[5]] })).toEqual([
      { value: (5 * 2 + 10 + (15 * 2 + 20)) / 2 },
    ])
  })

  it('has no logits to give', () => {
    const predictor = createModelPredictor([classifier(1), classifier(2)])

    expect(() => predictor.predict({ rows: [[1]] }, ['logits'])).toThrow('has no logits')
  })
})

it('takes the networks of a stored model apart, and refuses bytes that are too few or too many', () => {
  const bytes = packLayers([...layersOf(1), ...layersOf(2)])
  const network = { architecture: CLASSIFIER, preprocessing: null }

  const networks = unpackNetworks([network, network], bytes)

  expect(networks.map(({ layers }) => layers[0]?.weight[0])).toEqual([1, 2])
  expect(networks[0]?.preprocessing.columns[0]?.column).toBe('input_1')
  expect(() => unpackNetworks([network], bytes)).toThrow('are no weights')
  expect(() => unpackNetworks([network, network, network], bytes)).toThrow('are no weights')
})

describe('findEnsembleFaults', () => {
  const other = (change: Partial<Architecture>) => ({
    architecture: { ...CLASSIFIER, ...change },
    preprocessing: NUMBER,
  })

  it.each<[string, ReturnType<typeof other>, RegExp]>([
    ['another task', { architecture: REGRESSOR, preprocessing: NUMBER }, /is a regression/],
    ['other classes', other({ classes: ['yes', 'no'] }), /other classes/],
    ['scores', other({ output_activation: 'step' }), /scores and no probabilities/],
    [
      'other inputs',
      {
        ...other({}),
        preprocessing: {
          columns: [{ ...NUMBER.columns[0], column: 'z' } as Preprocessing['columns'][number]],
          target: null,
        },
      },
      /takes "z" \(number\) as input 1, the first member "x" \(number\)/,
    ],
  ])('finds %s', (_, second, detail) => {
    expect(findEnsembleFaults([other({}), second], '#/members')).toEqual([
      { pointer: '#/members/1', detail: expect.stringMatching(detail) },
    ])
  })

  it('finds nothing where only the weights and the hidden layers differ', () => {
    const hidden = [{ units: 9, activation: 'relu' as const, batch_norm: true }]

    expect(findEnsembleFaults([other({}), other({ hidden })], '#/members')).toEqual([])
  })
})
