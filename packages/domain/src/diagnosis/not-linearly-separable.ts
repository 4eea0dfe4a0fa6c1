import type { EpochMetrics } from '@trainyard/contracts'
import type { Rule } from './diagnose.ts'

/** A perceptron that has not bettered its best epoch for so long, and for a quarter of all its epochs, is stuck. */
const STALLED_EPOCHS_MIN = 10
const STALLED_SHARE = 1 / 4
/** Seven of eight units are spare for XOR, so that hardly any seed is unlucky. */
const HIDDEN = { units: 8, activation: 'tanh' }
const OPTIMIZER = { type: 'adam', learning_rate: 0.03 }
/** Enough for four rows, which give one step an epoch. */
const EPOCHS_MIN = 300

/**
 * Rosenblatt's rule makes an epoch without a mistake after finitely many, if and only if a line (a plane) separates the
 * classes; how many depends on the margin, which nobody knows. So this is evidence from a run that got stuck, and no proof.
 */
export const findNotLinearlySeparable: Rule = ({ job, epochs }) => {
  const { resolved_config: resolved, config } = job
  const last = epochs.at(-1)
  const best = lowest(epochs)
  if (resolved.training.loss !== 'perceptron' || last === undefined || best === null) return null
  const stalledFor = last.epoch - best.epoch
  if (best.value === 0 || stalledFor < Math.max(STALLED_EPOCHS_MIN, last.epoch * STALLED_SHARE))
    return null
  return {
    code: 'not_linearly_separable',
    severity: 'warn',
    message: 'not linearly separable by this model: add a hidden layer',
    explanation: `None of ${last.epoch} epochs was without a mistake. The lowest error rate, ${best.value}, is that of epoch ${best.epoch}, and the ${stalledFor} epochs since have not beaten it. The perceptron's rule ends without a mistake wherever one straight boundary separates the classes, but may take longer than this run did: this is strong evidence, and no proof.`,
    evidence: [
      { epoch: best.epoch, metric: 'train_loss', value: best.value, threshold: 0, layer: null },
    ],
    remedy:
      'Add a hidden layer: each of its units draws a boundary of its own, and the output combines them. The step has no gradient to train a hidden layer by, so output, loss and optimizer change with it.',
    suggested_patch: {
      model: { hidden: [HIDDEN], output: null },
      training: {
        optimizer: OPTIMIZER,
        ...(resolved.training.epochs < EPOCHS_MIN ? { epochs: EPOCHS_MIN } : {}),
      },
      ...(config.initial_weights == null ? {} : { initial_weights: null }),
    },
  }
}

/** The first of the lowest error rates. */
function lowest(epochs: readonly EpochMetrics[]): { epoch: number; value: number } | null {
  let best: { epoch: number; value: number } | null = null
  for (const { epoch, train_loss: value } of epochs) {
    if (value !== null && (best === null || value < best.value)) best = { epoch, value }
  }
  return best
}
