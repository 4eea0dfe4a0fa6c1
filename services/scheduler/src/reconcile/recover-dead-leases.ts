import type { SchedulerDeps } from '../deps.ts'

/**
 * Finds jobs whose worker is lost, by Postgres' clock alone. It waits one lease and two seconds after it first reached
 * Postgres: after a common outage every worker gets to renew before anybody is declared dead.
 */
export const makeRecoverDeadLeases = (
  {
    dispatch,
    pulse,
    log,
    leaseSeconds,
  }: Pick<SchedulerDeps, 'dispatch' | 'pulse' | 'log' | 'leaseSeconds'>,
  monotonicMs: () => number,
) => {
  const graceMs = (leaseSeconds + 2) * 1000
  let reachedSinceMs: number | null = null
  return async (): Promise<boolean> => {
    try {
      if (reachedSinceMs === null || monotonicMs() - reachedSinceMs < graceMs) {
        // Any query tells whether Postgres is there.
        await dispatch.undelivered()
        reachedSinceMs ??= monotonicMs()
        return false
      }
      const recovered = await dispatch.recoverDeadLeases()
      for (const { jobId, outcome } of recovered) {
        log.warn({ job: jobId, outcome }, 'a worker was lost')
        pulse.jobChanged(jobId)
      }
      return recovered.length > 0
    } catch (error) {
      reachedSinceMs = null
      throw error
    }
  }
}
