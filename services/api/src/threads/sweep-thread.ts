import type { TrialParams } from '@trainyard/contracts'
import type { ImportanceReport, Space } from '@trainyard/sweeps'
import { createLazyThreads } from './lazy-threads.ts'

const QUEUE_MAX = 16

export interface ImportanceTask {
  space: Space
  trials: { params: TrialParams; objective: number }[]
}

/** A forest over a few thousand trials takes a second, which the event loop does not have. */
export interface SweepThread {
  measure(task: ImportanceTask): Promise<ImportanceReport>
  close(): Promise<void>
}

export function createSweepThread(): SweepThread {
  const thread = createLazyThreads<ImportanceTask, ImportanceReport>('./sweep.thread.ts', {
    queueMax: QUEUE_MAX,
  })
  return { measure: (task) => thread.run(task), close: thread.close }
}
