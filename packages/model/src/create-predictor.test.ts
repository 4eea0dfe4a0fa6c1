import type { Architecture, Preprocessing } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { describe, expect, it } from 'vitest'
import { createPredictor, predictionFlops } from './create-predictor.ts'
import { packLayers, unpackLayers } from './layer-bytes.ts'

const PREPROCESSING: Preprocessing = {
  columns: ['a', 'b'].map((column) => ({
    kind: 'numeric' as const,
    log1p: false,
    indicator: false,
    column,
    type: 'number' as const,
    missing: 0,
    center: 1,
    scale: 2,
  })),
  target: null,
}

function linear(outputs: number, overrides: Partial<Architecture>): Architecture {
  return {
    inputs: 2,
    hidden: [],
    outputs,
    output_activation: 'softmax',
    task: 'classification',
    classes: ['no', 'yes', '__proto__'].slice(0, Math.max(2, outputs)),
    target: 'y',
    ...overrides,
  }
}

const THREE = createPredictor({
  architecture: linear(3, {}),
  preprocessing: PREPROCESSING,
  layers: [{ weight: Float32Array.of(1, 0, 0, 1, 0, 0), bias: Float32Array.of(0, 0, 0.5) }],
})
const ONE = createPredictor({
  architecture: linear(1, { output_activation: 'sigmoid' }),
  preprocessing: PREPROCESSING,
  layers: [{ weight: Float32Array.of(2, 0), bias: Float32Array.of(0) }],
})
const HINGE = createPredictor({
  architecture: linear(2, { output_activation: 'linear' }),
  preprocessing: PREPROCESSING,
  layers: [{ weight: Float32Array.of(1, 0, 0, 1), bias: Float32Array.of(0, -3) }],
})
const VALUE = createPredictor({
  architecture: linear(1, { output_activation: 'linear', task: 'regression', classes: null }),
  preprocessing: { ...PREPROCESSING, target: { center: 100, scale: 10 } },
  layers: [{ weight: Float32Array.of(1, 1), bias: Float32Array.of(0) }],
})

function faultsOf(work: () => unknown) {
  try {
    work()
  } catch (error) {
    if (error instanceof DataError) return error.faults
    throw error
  }
  throw new Error('The input was accepted')
}

describe('createPredictor', () => {
  it('answers label and probabilities of a softmax by default, logits on request', () => {
    const [item] = THREE.predict({ rows: [[3, 1]] })
    const [scores] = THREE.predict({ records: [{ a: 3, b: 1 }] }, ['logits'])

    // Inputs 1 and 0: logits 1, 0, 0.5.
    const sum = Math.E + 1 + Math.exp(0.5)
    expect(Object.keys(item ?? {})).toEqual(['label', 'probabilities'])
    expect(item?.label).toBe('no')
    expect(Object.keys(item?.probabilities ?? {})).toEqual(['no', 'yes', '__proto__'])
    expect(Object.values(item?.probabilities ?? {})[0]).toBeCloseTo(Math.E / sum, 6)
    expect(Object.values(item?.probabilities ?? {})[2]).toBeCloseTo(Math.exp(0.5) / sum, 6)
    expect(scores).toEqual({ logits: [1, 0, 0.5] })
  })

  it('reads one sigmoid output as the probability of the second class', () => {
    const [low, high] = ONE.predict(
      {
        rows: [
          [0, 0],
          [2, 0],
        ],
      },
      ['label', 'probabilities', 'logits'],
    )

    expect(low).toMatchObject({ label: 'no', logits: [-1] })
    expect(high).toMatchObject({ label: 'yes', logits: [1] })
    expect(high?.probabilities?.yes).toBeCloseTo(1 / (1 + Math.exp(-1)), 6)
    expect(high?.probabilities?.no).toBeCloseTo(1 / (1 + Math.E), 6)
  })

  it('answers the class of the largest raw score, which is no probability', () => {
    const predict = () => HINGE.predict({ rows: [[0, 7]] }, ['probabilities'])

    // Inputs -0.5 and 3.
    expect(HINGE.predict({ rows: [[0, 7]] })).toEqual([{ label: 'yes', logits: [-0.5, 0] }])
    expect(faultsOf(predict)).toEqual([
      {
        detail: 'A hinge model has no probabilities; it has label, logits',
        pointer: '#/outputs/0',
      },
    ])
  })

  it('undoes the scaling of a regression target', () => {
    expect(VALUE.predict({ rows: [[3, 2]] })).toEqual([{ value: 115 }])
  })

  it('refuses outputs that the task does not have, with their place', () => {
    expect(faultsOf(() => ONE.predict({ rows: [[0, 0]] }, ['label', 'value']))).toEqual([
      {
        detail: 'A classification model has no value; it has label, probabilities, logits',
        pointer: '#/outputs/1',
      },
    ])
    expect(faultsOf(() => VALUE.predict({ rows: [[0, 0]] }, ['label']))).toMatchObject([
      { pointer: '#/outputs/0' },
    ])
  })

  it('refuses a record whose values overflow the network instead of answering NaN', () => {
    const rows = [
      [0, 0],
      [6e38, 6e38],
    ]

    expect(faultsOf(() => VALUE.predict({ rows }))).toEqual([
      { detail: 'Record 2: its values are too large for this model', pointer: '#/rows/1' },
    ])
  })
})

describe('predictionFlops', () => {
  it('counts two operations for every weight and row', () => {
    const hidden = [{ units: 4, activation: 'relu' as const, batch_norm: true }]

    expect(predictionFlops(linear(3, { hidden }), 10)).toBe(2 * (2 * 4 + 4 * 3) * 10)
  })
})

describe('stored weights', () => {
  const architecture = linear(3, { hidden: [{ units: 1, activation: 'tanh', batch_norm: false }] })
  const layers = [
    { weight: Float32Array.of(1, -2), bias: Float32Array.of(0.5) },
    { weight: Float32Array.of(3, 4, 5), bias: Float32Array.of(6, 7, 8) },
  ]

  it('are little-endian float32, weight before bias, and come back the same from any offset', () => {
    const bytes = packLayers(layers)
    const shifted = new Uint8Array(bytes.byteLength + 3)
    shifted.set(bytes, 3)

    expect(Buffer.from(bytes.subarray(0, 12)).toString('hex')).toBe('0000803f000000c00000003f')
    expect(unpackLayers(architecture, shifted.subarray(3))).toEqual(layers)
  })

  it('carry batch normalization after the bias of its layer', () => {
    const normalized = [
      {
        weight: Float32Array.of(1, -2),
        bias: Float32Array.of(0.5),
        gamma: Float32Array.of(2),
        beta: Float32Array.of(3),
        runningMean: Float32Array.of(4),
        runningVariance: Float32Array.of(5),
      },
      { weight: Float32Array.of(3, 4, 5), bias: Float32Array.of(6, 7, 8) },
    ]
    const bytes = packLayers(normalized)

    const withNorm = linear(3, { hidden: [{ units: 1, activation: 'tanh', batch_norm: true }] })
    expect([...new Float32Array(bytes.buffer)]).toEqual([1, -2, 0.5, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8])
    expect(unpackLayers(withNorm, bytes)).toEqual(normalized)
    expect(() => unpackLayers(architecture, bytes)).toThrow('52 bytes are no weights of 9 numbers')
  })

  it('are refused when their size is not that of the architecture', () => {
    expect(() => unpackLayers(architecture, packLayers(layers).subarray(4))).toThrow(
      '32 bytes are no weights of 9 numbers',
    )
  })
})
