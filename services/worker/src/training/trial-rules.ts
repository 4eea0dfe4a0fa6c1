/** What a sweep asks of its trials while they train: where they say how they stand, and what follows. */
import type { EpochMetrics, SweepId } from '@trainyard/contracts'
import { type ClaimedJob, DomainError, type Lease, type TrialLeaseStore } from '@trainyard/domain'
import { decideStop, resolveSweep, rungsOf, toLoss } from '@trainyard/sweeps'
import type { Logger } from 'pino'

const SEARCHES_KEPT = 20
const RETRY_MS = 1000

export interface TrialRules {
  /** Epochs after which the trial asks. */
  rungs: number[]
  /** Whether it stops there; null when the lease is another's. Waits for Postgres as long as `isWanted`. */
  decide(
    lease: Lease,
    reached: { best: EpochMetrics; last: EpochMetrics },
    isWanted: () => boolean,
  ): Promise<boolean | null>
}

type Search = Awaited<ReturnType<TrialLeaseStore['searchOf']>>

/** Rules of a sweep do not change; those of the last few are kept. */
export function makeFindRules({
  trialLeases,
  log,
}: {
  trialLeases: Pick<TrialLeaseStore, 'searchOf' | 'sayAtRung'>
  log: Logger
}): (job: Pick<ClaimedJob, 'trial' | 'resolvedConfig'>) => Promise<TrialRules | null> {
  const kept = new Map<SweepId, Promise<Search>>()

  const findSearch = (sweepId: SweepId): Promise<Search> => {
    const search = kept.get(sweepId) ?? trialLeases.searchOf(sweepId)
    kept.delete(sweepId)
    kept.set(sweepId, search)
    search.catch(() => kept.delete(sweepId))
    const oldest = kept.keys().next().value
    if (kept.size > SEARCHES_KEPT && oldest !== undefined) kept.delete(oldest)
    return search
  }

  return async ({ trial, resolvedConfig }) => {
    if (trial === null) return null
    const { sweepId, trialIndex } = trial
    const { config, objective, seed } = await findSearch(sweepId)
    const resolution = resolveSweep(config, { seed })
    const rule = 'sweep' in resolution ? resolution.sweep.earlyTermination : null
    if (rule === null) return { rungs: [], decide: async () => false }
    return {
      rungs: rungsOf(rule, trialIndex, resolvedConfig.training.epochs),
      async decide(lease, { best, last }, isWanted) {
        const value = (objective.at === 'best' ? best : last)[objective.metric]
        const loss = value === null ? Number.POSITIVE_INFINITY : toLoss(objective, value)
        const saying = { trialIndex, epoch: last.epoch, value: loss }
        for (;;) {
          try {
            const decision = await trialLeases.sayAtRung(lease, sweepId, saying, (before) => ({
              ...decideStop(rule, before, saying, objective),
              epoch: last.epoch,
              value,
            }))
            return decision === null ? null : decision.stops
          } catch (error) {
            if (!(error instanceof DomainError) || !isWanted()) throw error
            log.warn({ err: error, job: lease.jobId }, 'a trial waits at a rung for Postgres')
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
          }
        }
      },
    }
  }
}
