import type { EpochMetrics, Fold, ResolvedConfig } from '@trainyard/contracts'
import type { Network } from '@trainyard/engine'
import { type PreparedTraining, type PrepareInput, prepareFolds } from '@trainyard/model'
import { runEpochs } from './run-epochs.ts'
import type { TrainingReport } from './thread-protocol.ts'

/** Seeds of jobs end below it, so that the folds of one never meet the seed of another. */
const FOLD_SEED_STRIDE = 1n << 53n

/** What a fold starts from: a seed of its own, made of the job's and its number. */
export function foldSeed(seed: number, fold: number): bigint {
  return BigInt(seed) + BigInt(fold) * FOLD_SEED_STRIDE
}

/**
 * Trains a network of its own for each fold, preprocessing fitted on the fold's training rows alone, and measures it at
 * its best epoch. Answers the folds, or how one of them was cut short.
 */
export async function runFolds(
  input: PrepareInput,
  createNetwork: (data: PreparedTraining, seed: bigint) => Promise<Network>,
  hooks: {
    /** Are not trained again. */
    completed: readonly Fold[]
    shouldStop: () => boolean
    onFold: (fold: Fold) => void
  },
): Promise<{ folds: Fold[] } | { end: TrainingReport['end'] }> {
  const { resolved } = input
  const folds: Fold[] = []
  for (const data of prepareFolds(input)) {
    const completed = hooks.completed[folds.length]
    if (completed !== undefined) {
      folds.push(completed)
      continue
    }
    const seed = foldSeed(resolved.seed, folds.length + 1)
    const network = await createNetwork(data, seed)
    try {
      const epochs: EpochMetrics[] = []
      const run = runEpochs(network, data, resolved, {
        shouldStop: hooks.shouldStop,
        onEpoch: (metrics) => epochs.push(metrics),
        seed,
      })
      if (run.end.kind !== 'succeeded') return { end: run.end }
      const fold = toFold(folds.length + 1, data, epochs, run.bestEpoch)
      folds.push(fold)
      hooks.onFold(fold)
    } finally {
      network.dispose()
    }
  }
  return { folds }
}

/**
 * The specification of the final model: all rows, and as many epochs as the folds say, so neither patience nor a target ends it;
 * the schedule still spans the epochs that were asked for.
 */
export function toFinal(resolved: ResolvedConfig): ResolvedConfig {
  return {
    ...resolved,
    training: { ...resolved.training, early_stopping: null },
    limits: { ...resolved.limits, target: null },
  }
}

function toFold(
  fold: number,
  data: PreparedTraining,
  epochs: readonly EpochMetrics[],
  bestEpoch: number,
): Fold {
  const best = epochs[bestEpoch - 1]
  if (best === undefined) throw new Error(`fold ${fold} has no best epoch`)
  const { train_loss, train_accuracy, val_loss, val_accuracy } = best
  return {
    fold,
    training_rows: data.trainingRowIndices.length,
    validation_rows: data.validation?.rows ?? 0,
    epochs: epochs.length,
    best_epoch: bestEpoch,
    metrics: { train_loss, train_accuracy, val_loss, val_accuracy },
  }
}
