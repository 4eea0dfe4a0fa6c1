import type { SweepSpec, TrialParams } from '@trainyard/contracts'
import type { ImportanceReport, ReplayedTrial, Space, SweepRecord } from '@trainyard/sweeps'
import { createLazyThreads } from './lazy-threads.ts'

const QUEUE_MAX = 16

export interface ImportanceTask {
  space: Space
  trials: { params: TrialParams; objective: number }[]
}

export interface ReplayTask {
  config: SweepSpec
  drawn: { seed: number; maxTrials: number }
  record: SweepRecord
  first: number
  count: number
}

export type SweepTask =
  | { kind: 'importance'; task: ImportanceTask }
  | { kind: 'replay'; task: ReplayTask }

/** A forest, or a hundred choices, over a few thousand trials takes a second, which the event loop does not have. */
export interface SweepThread {
  measure(task: ImportanceTask): Promise<ImportanceReport>
  replay(task: ReplayTask): Promise<ReplayedTrial[]>
  close(): Promise<void>
}

export function createSweepThread(): SweepThread {
  const thread = createLazyThreads<SweepTask, ImportanceReport | ReplayedTrial[]>(
    './sweep.thread.ts',
    { queueMax: QUEUE_MAX },
  )
  return {
    measure: async (task) => (await thread.run({ kind: 'importance', task })) as ImportanceReport,
    replay: async (task) => (await thread.run({ kind: 'replay', task })) as ReplayedTrial[],
    close: thread.close,
  }
}
