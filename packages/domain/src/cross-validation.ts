/** What k-fold validation says: mean and spread over the folds, and how long the final model trains. */
import type { CrossValidation, Fold, MetricsSummary } from '@trainyard/contracts'

/** Of the folds that are done; `epochs` once all of `count` are. */
export function summarizeFolds(folds: readonly Fold[], count: number): CrossValidation {
  const over = (combine: (values: readonly number[]) => number | null): MetricsSummary => {
    const of = (name: keyof MetricsSummary) => {
      const values = folds.map(({ metrics }) => metrics[name]).filter((value) => value !== null)
      return values.length === folds.length ? combine(values) : null
    }
    return {
      train_loss: of('train_loss'),
      train_accuracy: of('train_accuracy'),
      val_loss: of('val_loss'),
      val_accuracy: of('val_accuracy'),
    }
  }
  return {
    folds: [...folds],
    mean: over(meanOf),
    std: over(deviationOf),
    epochs: folds.length === count ? finalEpochs(folds) : null,
  }
}

/** The mean of the folds' best epochs, rounded. */
export function finalEpochs(folds: readonly Fold[]): number {
  return Math.max(1, Math.round(meanOf(folds.map(({ best_epoch }) => best_epoch)) ?? 1))
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The sample's standard deviation (n − 1); null of less than two. */
function deviationOf(values: readonly number[]): number | null {
  const mean = meanOf(values)
  if (mean === null || values.length < 2) return null
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}
