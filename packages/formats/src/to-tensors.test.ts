import type { Architecture } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { toTorchModule } from './tensor-names.ts'
import { toTensors } from './to-tensors.ts'

const ARCHITECTURE: Architecture = {
  inputs: 3,
  hidden: [{ units: 2, activation: 'gelu', batch_norm: true }],
  outputs: 1,
  output_activation: 'sigmoid',
  task: 'classification',
  classes: ['no', 'yes'],
  target: 'y',
}
const NETWORK = {
  architecture: ARCHITECTURE,
  layers: [
    {
      weight: Float32Array.of(1, 2, 3, 4, 5, 6),
      bias: Float32Array.of(7, 8),
      gamma: Float32Array.of(9, 10),
      beta: Float32Array.of(11, 12),
      runningMean: Float32Array.of(13, 14),
      runningVariance: Float32Array.of(15, 16),
    },
    { weight: Float32Array.of(17, 18), bias: Float32Array.of(19) },
  ],
}

describe('toTensors', () => {
  it('names the tensors of a layer, and those of its batch normalization as PyTorch does', () => {
    const tensors = toTensors([NETWORK])

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

  it('names them by their module in a sequence for PyTorch', () => {
    expect(toTensors([NETWORK], 'torch').map(({ name }) => name)).toEqual([
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
      '1.running_mean',
      '1.running_var',
      '3.weight',
      '3.bias',
    ])
  })

  it('puts the member before the name in an ensemble', () => {
    expect(toTensors([NETWORK, NETWORK])[8]?.name).toBe('members.1.layers.0.weight')
    expect(toTensors([NETWORK, NETWORK], 'torch')[8]?.name).toBe('1.0.weight')
  })
})

describe('toTorchModule', () => {
  it('writes the sequence that the torch names fit', () => {
    expect(toTorchModule(ARCHITECTURE)).toBe(
      "nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, eps=1e-05), nn.GELU(approximate='tanh'), nn.Linear(2, 1))",
    )
  })

  it('has none for a step inside', () => {
    const hidden = [{ units: 2, activation: 'step' as const, batch_norm: false }]

    expect(toTorchModule({ ...ARCHITECTURE, hidden })).toBeNull()
  })
})
