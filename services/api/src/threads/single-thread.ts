import { DomainError } from '@trainyard/domain'
import { Piscina } from 'piscina'

const IDLE_MS = 30_000

export interface SingleThread<Task, Result> {
  /** Throws `unavailable` when as many tasks wait as may. */
  run(task: Task, options?: { signal?: AbortSignal }): Promise<Result>
  close(): Promise<void>
}

/**
 * One thread for work that would hold the event loop; it starts with the first task and goes when there is none for a
 * while. `file` lies in this folder.
 */
export function createSingleThread<Task, Result>(
  file: string,
  queueMax = Number.POSITIVE_INFINITY,
): SingleThread<Task, Result> {
  let pool: Piscina<Task, Result> | null = null
  return {
    async run(task, options) {
      pool ??= new Piscina<Task, Result>({
        filename: new URL(file, import.meta.url).href,
        minThreads: 0,
        maxThreads: 1,
        maxQueue: queueMax,
        idleTimeout: IDLE_MS,
      })
      if (pool.queueSize >= queueMax) throw new DomainError('unavailable')
      return await pool.run(task, options)
    },
    close: async () => await pool?.destroy(),
  }
}
