import type { ResolvedConfig } from '@trainyard/contracts'
import type { OptimizerConfig, ScheduleConfig } from '@trainyard/engine'
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
      batch_norm: true,
      dropout: 0.25,
    })
    resolved.model.input_dropout = 0.1

    expect(toNetworkConfig(resolved)).toEqual({
      inputs: 4,
      layers: [
        {
          units: 16,
          activation: 'relu',
          initializer: { type: 'he_normal' },
          batchNorm: false,
          dropout: 0,
        },
        {
          units: 5,
          activation: 'tanh',
          initializer: { type: 'normal', std: 0.01 },
          batchNorm: true,
          dropout: 0.25,
        },
        { units: 3, activation: 'linear', initializer: { type: 'xavier_uniform' } },
      ],
      inputDropout: 0.1,
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
      schedule: null,
      regularization: null,
      gradientClip: null,
      augmentation: null,
      classWeights: null,
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

  it('hands over augmentation in the words of the engine', () => {
    const resolved = makeResolved({ inputs: 6, outputs: 3 })
    resolved.training.image = { height: 1, width: 3, channels: 2 }
    resolved.training.augmentation = [
      { type: 'mixup', alpha: 0.4 },
      { type: 'shift', pixels: 1 },
      { type: 'feature_drop', p: 0.2 },
    ]

    expect(toTrainingOptions(resolved).augmentation).toEqual({
      operations: [
        { type: 'shift', pixels: 1 },
        { type: 'feature_drop', rate: 0.2 },
      ],
      image: { height: 1, width: 3, channels: 2 },
      mixup: 0.4,
    })
  })

  it('hands over penalty, clipping and class weights as they are', () => {
    const resolved = makeResolved({ inputs: 1, outputs: 3 })
    resolved.training.regularization = { l1: 1e-5, l2: 1e-4 }
    resolved.training.gradient_clip = { value: 0.5 }
    resolved.training.class_weight = [1, 0, 2]

    expect(toTrainingOptions(resolved)).toMatchObject({
      regularization: { l1: 1e-5, l2: 1e-4 },
      gradientClip: { value: 0.5 },
      classWeights: [1, 0, 2],
    })
  })

  it.each<[ResolvedConfig['training']['lr_schedule'], ScheduleConfig]>([
    [
      { type: 'constant', warmup_epochs: 2 },
      { type: 'constant', warmupEpochs: 2 },
    ],
    [
      { type: 'step', every_epochs: 3, factor: 0.5, warmup_epochs: 0 },
      { type: 'step', everyEpochs: 3, factor: 0.5, warmupEpochs: 0 },
    ],
    [
      { type: 'exponential', factor: 0.9, warmup_epochs: 0 },
      { type: 'exponential', factor: 0.9, warmupEpochs: 0 },
    ],
    [
      { type: 'per_step', factor: 0.99, warmup_epochs: 1 },
      { type: 'per_step', factor: 0.99, warmupEpochs: 1 },
    ],
    [
      { type: 'cosine', warmup_epochs: 0 },
      { type: 'cosine', warmupEpochs: 0 },
    ],
    [
      { type: 'linear', warmup_epochs: 0 },
      { type: 'linear', warmupEpochs: 0 },
    ],
    [
      { type: 'inverse_time', decay: 0.1, warmup_epochs: 0 },
      { type: 'inverse_time', decay: 0.1, warmupEpochs: 0 },
    ],
    [
      {
        type: 'reduce_on_plateau',
        factor: 0.1,
        patience: 2,
        cooldown: 1,
        min_lr: 1e-5,
        warmup_epochs: 0,
      },
      {
        type: 'reduce_on_plateau',
        factor: 0.1,
        patience: 2,
        cooldown: 1,
        minLearningRate: 1e-5,
        warmupEpochs: 0,
      },
    ],
  ])('hands over the schedule %o', (schedule, expected) => {
    const resolved = makeResolved({ inputs: 1, outputs: 1 })
    resolved.training.lr_schedule = schedule

    expect(toTrainingOptions(resolved).schedule).toEqual(expected)
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
      { type: 'perceptron', learning_rate: 0.1 },
      { type: 'perceptron', learningRate: 0.1 },
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
