import type { Fold } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { summarizeFolds } from './cross-validation.ts'

const fold = (number: number, best_epoch: number, val_loss: number): Fold => ({
  fold: number,
  training_rows: 8,
  validation_rows: 2,
  epochs: 20,
  best_epoch,
  metrics: { train_loss: 1, train_accuracy: null, val_loss, val_accuracy: null },
})

it('gives mean and spread of the folds, and trains the final model for the mean best epoch', () => {
  const { mean, std, epochs } = summarizeFolds([fold(1, 3, 1), fold(2, 6, 2), fold(3, 5, 6)], 3)

  expect(mean).toEqual({ train_loss: 1, train_accuracy: null, val_loss: 3, val_accuracy: null })
  expect(std.val_loss).toBeCloseTo(Math.sqrt(7), 12)
  expect(std.train_loss).toBe(0)
  expect(epochs).toBe(5)
})

it('has no spread of one fold, no mean of none, and no epochs before the last', () => {
  expect(summarizeFolds([fold(1, 3, 1)], 2)).toMatchObject({
    mean: { val_loss: 1 },
    std: { val_loss: null },
    epochs: null,
  })
  expect(summarizeFolds([], 2).mean.val_loss).toBeNull()
})
