import type { JobId, SweepId } from '@trainyard/contracts'
import type { NewSweepEvent, OpenTrial, RunningSweep } from '@trainyard/domain'

/** Of one trial at most one a second, of one sweep at most twenty a round: the jobs' own streams have all of them. */
const TELL_EVERY_MS = 1000
const TOLD_PER_ROUND = 20

/** How far running trials have come, thinned. Remembers what was told; forgetting it repeats an event at most. */
export function makeTellEpochs(nowMs: () => number = () => performance.now()) {
  const told = new Map<SweepId, Map<JobId, { epoch: number; atMs: number }>>()
  return {
    tell({ id }: RunningSweep, open: readonly OpenTrial[]): NewSweepEvent[] {
      const before = told.get(id) ?? new Map<JobId, { epoch: number; atMs: number }>()
      const now = new Map<JobId, { epoch: number; atMs: number }>()
      const events: NewSweepEvent[] = []
      for (const { trialIndex, jobs } of open) {
        for (const { jobId, status, epoch, best } of jobs) {
          if (status !== 'running' || epoch === 0) continue
          const last = before.get(jobId)
          const isDue =
            last === undefined || (epoch > last.epoch && nowMs() - last.atMs >= TELL_EVERY_MS)
          if (!isDue || events.length >= TOLD_PER_ROUND) {
            if (last !== undefined) now.set(jobId, last)
            continue
          }
          now.set(jobId, { epoch, atMs: nowMs() })
          events.push({
            type: 'trial.epoch_completed',
            message: `Trial ${trialIndex} has completed epoch ${epoch}`,
            data: { trial_index: trialIndex, job_id: jobId, epoch, best },
          })
        }
      }
      told.set(id, now)
      return events
    },
    forget(active: readonly RunningSweep[]): void {
      for (const id of told.keys()) if (!active.some((one) => one.id === id)) told.delete(id)
    },
  }
}
