import type { GcSpec } from '@trainyard/contracts'

/** What stays stored of trials that have ended; the union of all that is named. */
export interface Gc {
  /** Of so many of the best trials the weights of the best epoch. */
  bestTrials: number
  /** Those of every trial. */
  everyBest: boolean
  /** The last weights and the checkpoints of every trial. */
  everyLast: boolean
}

/** The defaults are those of Determined's checkpoint garbage collection; of what is stored here they keep all, as no `gc` does. */
export function resolveGc(spec: GcSpec = {}): Gc {
  return {
    bestTrials: spec.save_experiment_best ?? 0,
    everyBest: spec.save_trial_best !== 0,
    everyLast: spec.save_trial_latest !== 0,
  }
}
