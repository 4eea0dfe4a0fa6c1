/** What the files say; that TensorFlow.js computes the server's numbers is seen by `npm run test:consumers`. */
import { describe, expect, it } from 'vitest'
import { SERVED_CASES, type ServedCase } from '../../../test/support/served-models.ts'
import { fileBytes } from './file-bytes.fixture.ts'
import { tfjsFiles } from './tfjs.ts'

const open = (name: string) => {
  const [model, weights] = tfjsFiles((SERVED_CASES[name] as ServedCase).model)
  const bytes = fileBytes({ chunks: weights?.chunks ?? [] })
  return { document: JSON.parse(fileBytes({ chunks: model?.chunks ?? [] }).toString()), bytes }
}

describe('the layers model', () => {
  it('has kernels [in, out], and its manifest says every byte of the weights', () => {
    const { document, bytes } = open('two classes')

    const [{ weights }] = document.weightsManifest
    expect(weights).toEqual([
      { name: 'dense_0/kernel', shape: [2, 1], dtype: 'float32' },
      { name: 'dense_0/bias', shape: [1], dtype: 'float32' },
    ])
    expect(bytes.length).toBe(12)
    const named = open('ensemble of three')
    const size = named.document.weightsManifest[0].weights
      .flatMap(({ shape }: { shape: number[] }) => shape.reduce((a, b) => a * b, 4))
      .reduce((a: number, b: number) => a + b, 0)
    expect(named.bytes.length).toBe(size)
    const network = SERVED_CASES['ensemble of three']?.model.networks[0]
    const kernel = Array.from({ length: 6 }, (_, i) => named.bytes.readFloatLE(4 * i))
    const [a0, b0, a1, b1, a2, b2] = network?.layers[0]?.weight ?? []
    expect(kernel).toEqual([a0, a1, a2, b0, b1, b2])
  })

  it('averages an ensemble, and gives a regression its unit back', () => {
    const { layers } = open('ensemble of regressions').document.modelTopology.model_config.config

    expect(layers.at(-1).class_name).toBe('Average')
    expect(layers.map(({ name }: { name: string }) => name)).toContain('member_1_target')
  })

  it('has no words for a step', () => {
    expect(() => open('perceptron')).toThrow('no step')
  })
})
