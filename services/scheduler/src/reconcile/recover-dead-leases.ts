import type { SchedulerDeps } from '../deps.ts'

/**
 * Finds jobs whose worker is lost, by Postgres' clock alone. It waits one lease and two seconds after it first reached
 * Postgres as the leader: after a common outage every worker gets to renew before anybody is declared dead. Who leads is
 * asked here and not around it, since that is the question which fails first when Postgres goes away.
 */
export const makeRecoverDeadLeases = ({
  dispatch,
  leadership,
  pulse,
  log,
  leaseSeconds,
  monotonicMs,
}: Pick<
  SchedulerDeps,
  'dispatch' | 'leadership' | 'pulse' | 'log' | 'leaseSeconds' | 'monotonicMs'
>) => {
  const graceMs = (leaseSeconds + 2) * 1000
  let reachedSinceMs: number | null = null
  return async (): Promise<boolean> => {
    try {
      if (!(await leadership.isLeader())) {
        reachedSinceMs = null
        return false
      }
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
