import { expect, it } from 'vitest'
import { toTensors } from './to-tensors.ts'

it('names the tensors of a layer, and those of its batch normalization as PyTorch does', () => {
  const tensors = toTensors([
    {
      weight: Float32Array.of(1, 2, 3, 4, 5, 6),
      bias: Float32Array.of(7, 8),
      gamma: Float32Array.of(9, 10),
      beta: Float32Array.of(11, 12),
      runningMean: Float32Array.of(13, 14),
      runningVariance: Float32Array.of(15, 16),
    },
    { weight: Float32Array.of(17, 18), bias: Float32Array.of(19) },
  ])

  expect(tensors.map(({ name, shape, data }) => [name, shape, [...data]])).toEqual([
    ['layers.0.weight', [2, 3], [1, 2, 3, 4, 5, 6]],
    ['layers.0.bias', [2], [7, 8]],
    ['norms.0.weight', [2], [9, 10]],
    ['norms.0.bias', [2], [11, 12]],
    ['norms.0.running_mean', [2], [13, 14]],
    ['norms.0.running_var', [2], [15, 16]],
    ['layers.1.weight', [1, 2], [17, 18]],
    ['layers.1.bias', [1], [19]],
  ])
})
