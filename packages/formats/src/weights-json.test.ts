import { ensembleDocumentSchema, weightsDocumentSchema } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { fileBytes } from './file-bytes.fixture.ts'
import { writeWeightsJson } from './weights-json.ts'

const ARCHITECTURE = {
  inputs: 2,
  hidden: [{ units: 3, activation: 'tanh' as const, batch_norm: false }],
  outputs: 1,
  output_activation: 'sigmoid' as const,
  task: 'classification' as const,
  classes: ['no', 'yes'],
  target: 'y',
}
const PREPROCESSING = {
  columns: ['a', 'b'].map((column) => ({
    kind: 'numeric' as const,
    log1p: false,
    indicator: false,
    column,
    type: 'number' as const,
    missing: 0,
    center: 0.5,
    scale: 2,
  })),
  target: null,
}

describe('writeWeightsJson', () => {
  it('writes a document that the public schema accepts and that reads back to the same float32 values', () => {
    const layers = [
      { weight: Float32Array.of(0.1, -2.5, 3e-39, 4, 5, 6), bias: Float32Array.of(0, 1e10, -1) },
      { weight: Float32Array.of(1, 2, 3), bias: Float32Array.of(-0.3) },
    ]

    const parts = { architecture: ARCHITECTURE, preprocessing: PREPROCESSING, layers }
    const text = fileBytes(writeWeightsJson([parts])).toString()

    const document = weightsDocumentSchema.parse(JSON.parse(text))
    expect(document.format).toBe('trainyard/1')
    expect(document.architecture).toEqual(ARCHITECTURE)
    expect(document.preprocessing).toEqual(PREPROCESSING)
    expect(document.layers[0]?.weight.map((row) => row.length)).toEqual([2, 2, 2])
    expect(Float32Array.from(document.layers[0]?.weight.flat() ?? [])).toEqual(layers[0]?.weight)
    expect(document.layers[1]).toEqual({ weight: [[1, 2, 3]], bias: [Math.fround(-0.3)] })
  })

  it('writes what batch normalization learned with the layer that has it', () => {
    const layers = [
      {
        weight: Float32Array.of(1, 2, 3, 4, 5, 6),
        bias: new Float32Array(3),
        gamma: Float32Array.of(1, 2, 3),
        beta: Float32Array.of(4, 5, 6),
        runningMean: Float32Array.of(7, 8, 9),
        runningVariance: Float32Array.of(10, 11, 12),
      },
      { weight: Float32Array.of(1, 2, 3), bias: Float32Array.of(4) },
    ]
    const hidden = [{ units: 3, activation: 'tanh' as const, batch_norm: true }]
    const architecture = { ...ARCHITECTURE, hidden }

    const pieces = [
      ...writeWeightsJson([{ architecture, preprocessing: PREPROCESSING, layers }]).chunks,
    ]

    const document = weightsDocumentSchema.parse(JSON.parse(pieces.join('')))
    expect(document.architecture.hidden).toEqual(hidden)
    expect(document.layers).toEqual([
      {
        weight: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        bias: [0, 0, 0],
        gamma: [1, 2, 3],
        beta: [4, 5, 6],
        running_mean: [7, 8, 9],
        running_var: [10, 11, 12],
      },
      { weight: [[1, 2, 3]], bias: [4] },
    ])
  })

  it('keeps the sign of a zero, which a number alone would lose', () => {
    const layers = [{ weight: Float32Array.of(-0, 0), bias: Float32Array.of(-0) }]
    const parts = { architecture: ARCHITECTURE, preprocessing: null, layers }

    const document = JSON.parse(fileBytes(writeWeightsJson([parts])).toString())

    expect(document.preprocessing).toBeNull()
    expect(document.layers[0].weight[0].map((value: number) => Object.is(value, -0))).toEqual([
      true,
      false,
    ])
    expect(Object.is(document.layers[0].bias[0], -0)).toBe(true)
  })

  it('writes an ensemble as one document of several', () => {
    const layers = [
      { weight: new Float32Array(6), bias: new Float32Array(3) },
      { weight: Float32Array.of(1, 2, 3), bias: Float32Array.of(4) },
    ]
    const network = { architecture: ARCHITECTURE, preprocessing: PREPROCESSING, layers }

    const text = fileBytes(writeWeightsJson([network, network])).toString()

    const { members } = ensembleDocumentSchema.parse(JSON.parse(text))
    expect(members.map(({ format }) => format)).toEqual(['trainyard/1', 'trainyard/1'])
    expect(members[1]).toEqual(members[0])
  })

  it('never gives a piece of more than a few thousand numbers, however wide or tall the layer', () => {
    const wide = { weight: new Float32Array(3 * 10_000).fill(0.1), bias: new Float32Array(3) }
    const tall = { weight: new Float32Array(10_000 * 3).fill(0.1), bias: new Float32Array(10_000) }
    const parts = { architecture: ARCHITECTURE, preprocessing: PREPROCESSING, layers: [wide, tall] }

    const pieces = [...writeWeightsJson([parts]).chunks]

    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(8192 * 22)
    const layers = JSON.parse(pieces.join('')).layers as { weight: number[][] }[]
    expect(layers.map(({ weight }) => [weight.length, weight[0]?.length])).toEqual([
      [3, 10_000],
      [10_000, 3],
    ])
  })

  it('refuses weights that JSON cannot hold', () => {
    const layers = [{ weight: Float32Array.of(Number.NaN, 0), bias: Float32Array.of(0) }]
    const parts = { architecture: ARCHITECTURE, preprocessing: PREPROCESSING, layers }

    expect(() => [...writeWeightsJson([parts]).chunks]).toThrow('not finite')
  })
})
