import { toLeaseTimes } from '@trainyard/domain'
import type { SchedulerDeps } from './deps.ts'
import { makeDispatchJobs } from './dispatch/dispatch-jobs.ts'
import { makeExpireRows } from './reconcile/expire-rows.ts'
import { makeRecoverDeadLeases } from './reconcile/recover-dead-leases.ts'
import { makeRedeliverLost } from './reconcile/redeliver-lost.ts'
import { startRounds } from './rounds.ts'
import { makeRunSweeps } from './sweeps/run-sweeps.ts'

const DISPATCH_EVERY_MS = 250
const SWEEP_EVERY_MS = 250
/** Of lost deliveries. */
const REDELIVER_EVERY_MS = 1000
const EXPIRE_EVERY_MS = 10 * 60_000

/** Starts the loops. Every one of them works only in the process that leads. */
export function startScheduler(deps: SchedulerDeps): { stop(): Promise<void> } {
  const { leadership, log, pulse } = deps
  const dispatchJobs = makeDispatchJobs(deps)
  const redeliverLost = makeRedeliverLost(deps)
  const recoverDeadLeases = makeRecoverDeadLeases(deps)
  const expireRows = makeExpireRows(deps)
  const runSweeps = makeRunSweeps(deps)
  const whenLeading = (round: () => Promise<void>) => async () => {
    if (await leadership.isLeader()) await round()
  }

  const dispatching = startRounds({
    name: 'dispatch',
    everyMs: DISPATCH_EVERY_MS,
    round: whenLeading(dispatchJobs),
    log,
  })
  const sweeping = startRounds({
    name: 'sweep',
    everyMs: SWEEP_EVERY_MS,
    round: whenLeading(async () => {
      if (await runSweeps()) dispatching.lookAgain()
    }),
    log,
  })
  const redelivering = startRounds({
    name: 'redeliver',
    everyMs: REDELIVER_EVERY_MS,
    round: whenLeading(async () => {
      if (await redeliverLost()) dispatching.lookAgain()
    }),
    log,
  })
  // A loop of its own: it needs Postgres alone, and shall go on while the queue is away.
  const recovering = startRounds({
    name: 'recover',
    everyMs: toLeaseTimes(deps.leaseSeconds).reconcileEveryMs,
    round: async () => {
      if (await recoverDeadLeases()) dispatching.lookAgain()
    },
    log,
  })
  const expiring = startRounds({
    name: 'expire',
    everyMs: EXPIRE_EVERY_MS,
    round: whenLeading(expireRows),
    log,
  })
  pulse.onJobQueued(() => {
    dispatching.lookAgain()
    // A freed slot may be the end of a trial.
    sweeping.lookAgain()
  })

  return {
    async stop() {
      const loops = [dispatching, sweeping, redelivering, recovering, expiring]
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}
