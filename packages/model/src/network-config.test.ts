import type { ResolvedConfig } from '@trainyard/contracts'
import type { OptimizerConfig } from '@trainyard/engine'
import { describe, expect, it } from 'vitest'
import { toNetworkConfig, toTrainingOptions } from './network-config.ts'
import { makeResolved } from './resolved-config.fixture.ts'

describe('toNetworkConfig', () => {
  it('keeps layers as given, resolves auto, and leaves the output linear', () => {
    const resolved = makeResolved({ inputs: 4, outputs: 3 })
    resolved.model.hidden.push({
      units: 5,
      activation: 'tanh',
      initializer: { type: 'normal', std: 0.01 },
      batch_norm: false,
      dropout: 0,
    })

    expect(toNetworkConfig(resolved)).toEqual({
      inputs: 4,
      layers: [
        { units: 16, activation: 'relu', initializer: { type: 'he_normal' } },
        { units: 5, activation: 'tanh', initializer: { type: 'normal', std: 0.01 } },
        { units: 3, activation: 'linear', initializer: { type: 'xavier_uniform' } },
      ],
      loss: 'cross_entropy',
      labelSmoothing: 0,
    })
  })

  it('hands on the parameters of the loss', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 2 })
    resolved.training.label_smoothing = 0.1
    const regression = makeResolved({ inputs: 1, outputs: 1, task: 'regression' })
    regression.training.loss = { type: 'huber', delta: 0.5 }

    expect(toNetworkConfig(resolved)).toMatchObject({ labelSmoothing: 0.1 })
    expect(toNetworkConfig(regression)).toMatchObject({ loss: 'huber', huberDelta: 0.5 })
  })
})

describe('toTrainingOptions', () => {
  it('hands every setting of optimizer and stopping to the engine', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 1, epochs: 12 })
    resolved.seed = Number.MAX_SAFE_INTEGER
    resolved.training.early_stopping = { metric: 'val_loss', patience: 3, min_delta: 0.1 }

    expect(toTrainingOptions(resolved)).toEqual({
      optimizer: {
        type: 'adam',
        learningRate: 0.003,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        biasCorrection: true,
      },
      batchSize: 32,
      epochs: 12,
      shuffle: true,
      seed: 9007199254740991n,
      earlyStopping: { metric: 'val_loss', patience: 3, minDelta: 0.1 },
    })
    resolved.training.optimizer = {
      type: 'momentum',
      learning_rate: 0.1,
      momentum: 0.8,
      nesterov: true,
    }
    expect(toTrainingOptions(resolved).optimizer).toEqual({
      type: 'momentum',
      learningRate: 0.1,
      momentum: 0.8,
      nesterov: true,
    })
  })

  it.each<[ResolvedConfig['training']['optimizer'], OptimizerConfig]>([
    [
      { type: 'rmsprop', learning_rate: 0.1, rho: 0.9, epsilon: 1e-7 },
      { type: 'rmsprop', learningRate: 0.1, rho: 0.9, epsilon: 1e-7 },
    ],
    [
      { type: 'adagrad', learning_rate: 0.1 },
      { type: 'adagrad', learningRate: 0.1 },
    ],
    [
      {
        type: 'adamw',
        learning_rate: 0.1,
        beta1: 0.8,
        beta2: 0.9,
        epsilon: 1e-7,
        weight_decay: 0.02,
      },
      {
        type: 'adamw',
        learningRate: 0.1,
        beta1: 0.8,
        beta2: 0.9,
        epsilon: 1e-7,
        biasCorrection: true,
        weightDecay: 0.02,
      },
    ],
  ])('hands over the optimizer %o', (optimizer, expected) => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    resolved.training.optimizer = optimizer

    expect(toTrainingOptions(resolved).optimizer).toEqual(expected)
  })
})
