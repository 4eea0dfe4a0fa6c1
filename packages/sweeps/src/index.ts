export { findBoundaryWarnings } from './boundary-warnings.ts'
export * from './early-termination.ts'
export { escapePointer } from './escape-pointer.ts'
export {
  IMPORTANCE_TRIALS_MIN,
  type ImportanceReport,
  measureImportance,
  toPlace,
} from './importance/measure-importance.ts'
export { placePointer } from './job-spec-of.ts'
export { type ReplayedTrial, replayTrials, type SweepRecord } from './replay.ts'
export {
  type EarlyTermination,
  type ResolvedSweep,
  type RoundPlan,
  resolveSweep,
} from './resolve-sweep.ts'
export type { Dimension, JsonValue, Space } from './space.ts'
export {
  narrowSpace,
  pickBest,
  type ScoredTrial,
  shrinkRanges,
  wholeRanges,
} from './strategies/coarse-to-fine.ts'
export { makeSuggest, settledTrials } from './suggest.ts'
export { summarizeRepeats } from './summarize-repeats.ts'
export { expectShort, fromLoss, objectiveOf, toLoss, toTrialSpecs } from './trial-specs.ts'
export { listProbes, tryInitialPoints } from './try-values.ts'
