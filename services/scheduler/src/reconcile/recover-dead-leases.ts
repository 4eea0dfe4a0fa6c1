import { toLeaseTimes } from '@trainyard/domain'
import type { SchedulerDeps } from '../deps.ts'

/**
 * Finds jobs and batch predictions whose worker is lost, by Postgres' clock alone. After a time in which it saw nothing, be it
 * that it did not lead, that Postgres was away or frozen, that the clock was set forward or the whole machine slept, it waits
 * one lease and two seconds: every worker gets to renew before anybody is declared dead. Who leads is asked here and not
 * around it, since that is the question which fails first when Postgres goes away.
 */
export const makeRecoverDeadLeases = ({
  dispatch,
  batches,
  leadership,
  pulse,
  log,
  leaseSeconds,
}: Pick<
  SchedulerDeps,
  'dispatch' | 'batches' | 'leadership' | 'pulse' | 'log' | 'leaseSeconds'
>) => {
  const { graceMs, unseenMsMax } = toLeaseTimes(leaseSeconds)
  // Both by Postgres' clock.
  let seenMs: number | null = null
  let watchedSinceMs = 0
  return async (): Promise<boolean> => {
    try {
      if (!(await leadership.isLeader())) {
        seenMs = null
        return false
      }
      const nowMs = await dispatch.clockMs()
      const isUnbroken = seenMs !== null && nowMs >= seenMs && nowMs - seenMs <= unseenMsMax
      if (!isUnbroken) watchedSinceMs = nowMs
      seenMs = nowMs
      if (nowMs - watchedSinceMs < graceMs) return false
      // As of the time just seen: whatever keeps the next statement from Postgres does not make anybody dead.
      const recovered = await dispatch.recoverDeadLeases(nowMs)
      const batchCount = await batches.recoverDead(nowMs)
      if (batchCount > 0)
        log.warn({ batches: batchCount }, 'a worker of batch predictions was lost')
      for (const { jobId, outcome } of recovered) {
        log.warn({ job: jobId, outcome }, 'a worker was lost')
        pulse.jobChanged(jobId)
      }
      return recovered.length > 0
    } catch (error) {
      seenMs = null
      throw error
    }
  }
}
