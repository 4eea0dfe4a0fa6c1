/**
 * V8 bounds the heap of a thread but not its typed arrays, and the kernel ends a process that takes too much with all jobs in
 * it. So when the process comes near its limit, the job whose thread holds most beyond its plan is ended. One that keeps to
 * its plan never is: where plans alone are too much for the machine, the operator has allowed too many slots.
 */
import type { Logger } from 'pino'
import type { RunningJob } from '../consumers/running-job.ts'

const LOOK_EVERY_MS = 250
/** Of the limit; the rest is for what is allocated until a thread has ended. */
const SHARE_MAX = 0.85

export function startMemoryWatch({
  limitBytes,
  jobs,
  log,
}: {
  /** That the process may hold. */
  limitBytes: number
  jobs: () => Iterable<RunningJob>
  log: Logger
}): { stop(): void } {
  let looking = false
  /** Once for each time that memory is short. */
  let isTold = false
  const timer = setInterval(() => {
    if (looking) return
    if (process.memoryUsage.rss() < SHARE_MAX * limitBytes) {
      isTold = false
      return
    }
    looking = true
    look()
      .catch((error: unknown) => log.error({ err: error }, 'memory could not be watched'))
      .finally(() => {
        looking = false
      })
  }, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer) }

  async function look(): Promise<void> {
    const asked = [...jobs()].map(async (job) => ({ job, bytes: (await job.excessBytes()) ?? 0 }))
    const [greediest] = (await Promise.all(asked)).sort((a, b) => b.bytes - a.bytes)
    const rssBytes = process.memoryUsage.rss()
    if (greediest === undefined || greediest.bytes <= 0) {
      if (!isTold)
        log.warn({ rssBytes, limitBytes }, 'memory is short, and every job keeps to its plan')
      isTold = true
      return
    }
    log.error(
      { rssBytes, limitBytes, excessBytes: greediest.bytes },
      'a job is ended for its memory',
    )
    greediest.job.outgrow(greediest.bytes)
  }
}
