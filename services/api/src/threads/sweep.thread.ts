import {
  type ImportanceReport,
  measureImportance,
  type ReplayedTrial,
  replayTrials,
  resolveSweep,
} from '@trainyard/sweeps'
import type { ReplayTask, SweepTask } from './sweep-thread.ts'

export default function answer({ kind, task }: SweepTask): ImportanceReport | ReplayedTrial[] {
  return kind === 'importance' ? measureImportance(task.space, task.trials) : replay(task)
}

/** Resolved here: constraints are functions, which do not travel between threads. */
function replay({ config, drawn, record, first, count }: ReplayTask): ReplayedTrial[] {
  const resolution = resolveSweep(config, drawn)
  if ('faults' in resolution) throw new Error('the stored sweep cannot be resolved')
  return replayTrials(resolution.sweep, record, { first, count })
}
