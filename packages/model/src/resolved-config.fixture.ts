import type { ResolvedConfig } from '@trainyard/contracts'

interface Choices {
  inputs: number
  outputs: number
  epochs?: number
  task?: ResolvedConfig['task']
}

/** A resolved specification as tests start from: one hidden layer of 16, Adam, a fifth for validation. */
export function makeResolved({ inputs, outputs, epochs = 1, task }: Choices): ResolvedConfig {
  const isRegression = task === 'regression'
  const activation = outputs > 1 ? 'softmax' : isRegression ? 'linear' : 'sigmoid'
  const loss = { softmax: 'cross_entropy', linear: 'mse', sigmoid: 'binary_cross_entropy' } as const
  return {
    task: task ?? 'classification',
    preprocessing: {
      numeric: 'standardize',
      target: isRegression ? 'standardize' : 'none',
      missing: 'mean',
      missing_indicators: false,
      unseen_category: 'zero',
      max_levels: 64,
      columns: {},
    },
    test: null,
    validation: { fraction: 0.2, stratify: !isRegression, group_column: null },
    model: {
      inputs,
      hidden: [
        { units: 16, activation: 'relu', initializer: 'auto', batch_norm: false, dropout: 0 },
      ],
      input_dropout: 0,
      output: { units: outputs, activation, initializer: 'auto' },
    },
    training: {
      loss: loss[activation],
      optimizer: {
        type: 'adam',
        learning_rate: 0.003,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        bias_correction: true,
      },
      lr_schedule: null,
      regularization: null,
      batch_size: 32,
      epochs,
      shuffle: true,
      early_stopping: null,
      gradient_clip: null,
      class_weight: null,
      oversample: false,
      label_smoothing: 0,
      augmentation: null,
      image: null,
      threads: 1,
    },
    initial_weights: null,
    checkpoint: { every_seconds: 10, keep: 2 },
    limits: { max_seconds: null, target: null },
    seed: 8,
  }
}
