import { DomainError } from '@trainyard/domain'
import { Piscina } from 'piscina'

const IDLE_MS = 30_000

export interface LazyThreads<Task, Result> {
  /** Throws `unavailable` when as many tasks wait as may. */
  run(task: Task, options?: { signal?: AbortSignal }): Promise<Result>
  close(): Promise<void>
}

/**
 * Threads, one unless said otherwise, for work that would hold the event loop; they start with the first tasks and go when
 * there are none for a while. `file` lies in this folder.
 */
export function createLazyThreads<Task, Result>(
  file: string,
  { queueMax = Number.POSITIVE_INFINITY, threads = 1 } = {},
): LazyThreads<Task, Result> {
  let pool: Piscina<Task, Result> | null = null
  return {
    async run(task, options) {
      pool ??= new Piscina<Task, Result>({
        filename: new URL(file, import.meta.url).href,
        minThreads: 0,
        maxThreads: threads,
        maxQueue: queueMax,
        idleTimeout: IDLE_MS,
      })
      if (pool.queueSize >= queueMax) throw new DomainError('unavailable')
      return await pool.run(task, options)
    },
    close: async () => await pool?.destroy(),
  }
}
