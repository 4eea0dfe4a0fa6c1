/** One job on one thread, from its claim to its end or its being given back. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ClaimedJob, Finish, JobCheckpoint, ReleaseReason } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { WorkerDeps } from '../deps.ts'
import { type CheckpointKeeper, startKeeper } from '../training/checkpoint-keeper.ts'
import { makeManifest } from '../training/make-manifest.ts'
import { planMemory } from '../training/plan-memory.ts'
import { BATCH_MS_MAX, startReporter } from '../training/progress-reporter.ts'
import { readTask } from '../training/read-task.ts'
import { mayPass, storeResult, toFinish, untilStored } from '../training/store-result.ts'
import type { EpochReport, TrainingReport } from '../training/thread-protocol.ts'
import { toBatchTimeout, toFailedError, toOutgrown } from '../training/to-job-error.ts'
import {
  ThreadEndedError,
  type TrainingRun,
  UnresumableError,
} from '../training/training-threads.ts'
import { makeFindRules, type TrialRules } from '../training/trial-rules.ts'
import {
  isForsaken,
  outranks,
  type RunningJob,
  STOP_MS_MAX,
  type StopCause,
} from './running-job.ts'

/** What is trained since the last checkpoint would be lost for nothing but room. */
const MAKE_WAY_MS_MAX = 5000
/** Of the time of a drain; the rest is for what has to be stored. */
const DRAIN_SHARE = 0.6

/** Starts a job that is claimed. `acquit` of one that runs alone: it has got further than ever before. */
export function makeStartJob(
  deps: WorkerDeps,
): (job: ClaimedJob, acquit: (() => void) | null) => RunningJob {
  const { leases, threads, pulse, log } = deps
  const findRules = makeFindRules(deps)
  const stopMsMax: Record<StopCause, number> = {
    cancel: STOP_MS_MAX,
    fenced: STOP_MS_MAX,
    pause: MAKE_WAY_MS_MAX,
    made_way: MAKE_WAY_MS_MAX,
    outage: MAKE_WAY_MS_MAX,
    drain: DRAIN_SHARE * deps.drainSeconds * 1000,
  }

  return (job, acquit) => {
    const lease = { jobId: job.id, leaseEpoch: job.leaseEpoch }
    let run: TrainingRun | null = null
    let keeper: CheckpointKeeper | null = null
    let cause: StopCause | null = null
    const stopped = Promise.withResolvers<never>()
    // Nobody may be waiting for it.
    stopped.promise.catch(() => undefined)
    let ending: NodeJS.Timeout | undefined
    const stop = (why: StopCause) => {
      run?.stop()
      if (outranks(why, cause)) {
        cause = why
        clearTimeout(ending)
        ending = setTimeout(() => {
          // One that has seen it is busy with the weights of a large network.
          if (run?.isEnding() === false) run.kill()
        }, stopMsMax[why])
      }
      stopped.reject(new ThreadEndedError('stopped before the training began'))
    }
    const kill = () => {
      stop('fenced')
      run?.kill()
    }
    let isHung = false
    let isAtRung = false
    let excessBytes: number | null = null
    const batchesBefore = job.checkpoint?.step ?? 0
    const batch = () => batchesBefore + (run?.batches() ?? 0)
    const reporter = startReporter(
      lease,
      deps,
      {
        // Reading and preparing the data counts as one batch.
        batch,
        isAtRung: () => isAtRung,
        onStopAsked: stop,
        onOutage: () => stop('outage'),
        onFenced: () => stop('fenced'),
        onHung() {
          isHung = true
          run?.kill()
        },
        onBatchReported(reported) {
          if (reported > job.furthestBatch) acquit?.()
        },
        onReported() {
          failpoint('worker.reported')
          pulse.jobChanged(job.id)
        },
        onEpochsStored: deps.onEpochsStored,
        onCheckpointStored() {
          acquit?.()
          failpoint('worker.checkpoint_after_commit')
          keeper?.proceed()
        },
      },
      job.checkpoint?.progress,
    )

    let rules: TrialRules | null = null
    const passRung = async (reached: Parameters<TrialRules['decide']>[1]): Promise<void> => {
      isAtRung = true
      const stops = await rules?.decide(lease, reached, () => cause === null)
      isAtRung = false
      if (stops === null) stop('fenced')
      run?.answerRung(stops ?? false)
    }

    const train = async (): Promise<TrainingReport> => {
      rules = await findRules(job)
      const { resolvedConfig: resolved, folds } = job
      // A large table takes its time, for which nobody who cancels shall wait.
      const task = await Promise.race([readTask(deps, job), stopped.promise])
      const trial =
        rules === null ? null : { observed: true, checkpointed: true, rungs: rules.rungs }
      const started = threads.run({ ...task, resolved, folds, trial }, (message) => {
        if (message.kind === 'rung') {
          passRung(message).catch((error: unknown) => {
            log.error({ err: error, job: job.id }, 'a trial could not be asked at a rung')
            run?.kill()
          })
        } else if (message.kind === 'fold') reporter.addFold(message.fold)
        else if (message.kind === 'epochs') reporter.add(message.epochs, message.endedMs)
        else if (message.kind === 'checkpoint') keeper?.add(message.checkpoint)
        else keeper?.addEnd(message.checkpoint)
      })
      run = started
      keeper = startKeeper(lease, resolved.checkpoint, deps, {
        takeCheckpoint: () => started.takeCheckpoint(),
        onPut: (checkpoint) => reporter.addCheckpoint(checkpoint),
      })
      if (cause !== null) started.stop()
      return await started.report
    }

    const work = async () => {
      const result = await train().catch((error: unknown) => ({ error }))
      clearTimeout(ending)
      if ('metrics' in result && result.endedMs !== null) reporter.add(result, result.endedMs)
      await keeper?.stop()
      const { epochs: unreported, checkpoint: unreportedCheckpoint } = await reporter.stop()
      if (cause === 'fenced') {
        log.warn({ job: job.id }, 'the job is another worker’s now; nothing is written')
        return
      }
      const renewing = keepLease()
      try {
        await settle(result, unreported, unreportedCheckpoint)
      } finally {
        clearInterval(renewing)
      }
    }

    /** Weights and checkpoint of a large network take longer to store than a lease lasts. */
    const keepLease = (): NodeJS.Timeout => {
      let underWay = false
      return setInterval(async () => {
        if (underWay) return
        underWay = true
        // One that cannot be renewed is renewed at the next turn.
        const answer = await leases.report(lease, null, batch()).catch(() => 'go_on' as const)
        if (answer === 'cancel' || answer === 'fenced') stop(answer)
        underWay = false
      }, deps.renewEveryMs)
    }

    const settle = async (
      result: TrainingReport | { error: unknown },
      unreported: EpochReport,
      unreportedCheckpoint: JobCheckpoint | null,
    ) => {
      const isStopped =
        'error' in result ? result.error instanceof ThreadEndedError : result.end.kind === 'stopped'
      const checkpoint =
        (await keeper?.putEnd((waitedMs) => isForsaken(cause, waitedMs))) ??
        unreportedCheckpoint ??
        undefined
      if (
        isStopped &&
        cause !== null &&
        cause !== 'cancel' &&
        (await giveBack(toReleaseReason(cause), unreported, checkpoint))
      ) {
        tellRestStored()
        failpoint('worker.released')
        log.info({ job: job.id, cause }, 'a job was given back')
      } else if ('error' in result) {
        await endWithError(result.error, unreported, checkpoint)
      } else {
        const manifest = makeManifest(job, threads.fused)
        const finish = toFinish(job, result, reporter, manifest)
        await end(
          { ...finish, ...unreported, checkpoint, folds: reporter.folds() },
          {
            contents: [...result.weights, result.split],
            threads: result.threads,
          },
        )
      }
    }

    const endWithError = async (
      error: unknown,
      unreported: EpochReport,
      checkpoint: JobCheckpoint | undefined,
    ) => {
      if (error instanceof UnresumableError && job.checkpoint !== null) {
        log.error({ err: error, job: job.id }, 'a checkpoint is of no use')
        if ((await leases.discardCheckpoint(lease, job.checkpoint.step)) === 'done') return
      }
      // Nobody's fault: no death is counted.
      const isUnreadable = mayPass(error)
      // The slot is kept for a while: whatever waits in the queue would be tried, and given back, in its place.
      if (isUnreadable && cause === null) {
        await Promise.race([delay(deps.renewEveryMs), stopped.promise]).catch(() => undefined)
      }
      if (isUnreadable && (await giveBack('unreadable', unreported, checkpoint))) {
        log.warn({ err: error, job: job.id }, 'what a job is trained on could not be read')
        return
      }
      const isEnded = isUnreadable || error instanceof ThreadEndedError
      const guilt = isHung
        ? toBatchTimeout(BATCH_MS_MAX)
        : excessBytes !== null
          ? toOutgrown(excessBytes)
          : null
      if (isEnded && !isUnreadable && cause === null && guilt === null) {
        const outcome = await leases.abandon(lease)
        log.error({ err: error, job: job.id, outcome }, 'the thread of a job has ended')
        return
      }
      const failure = guilt ?? toFailedError(error)
      const status = isEnded && guilt === null ? ('cancelled' as const) : ('failed' as const)
      if (status === 'failed') log.error({ err: error, job: job.id }, 'a job has failed')
      await end(
        {
          ...(status === 'cancelled'
            ? { status, stopReason: 'cancelled', error: null }
            : { status, stopReason: null, error: failure }),
          best: reporter.best(),
          final: reporter.last(),
          ...unreported,
          checkpoint,
          manifest: null,
          folds: reporter.folds(),
          weights: [],
        },
        { contents: [], threads: null },
      )
    }

    /** For the next attempt to go on from; false when the lease is another's, or a cancel was asked: then the stop is its end. */
    const giveBack = (
      reason: ReleaseReason,
      epochs: EpochReport,
      checkpoint: JobCheckpoint | undefined,
    ): Promise<boolean> => {
      const epoch = reporter.last()?.epoch ?? 0
      const rest = { ...epochs, epoch, best: reporter.best(), folds: reporter.folds() }
      const progress = { ...rest, checkpoint }
      return untilStored({ log, job: job.id }, async () => {
        if ((await leases.report(lease, progress, batch())) === 'fenced') return false
        return (await leases.release(lease, reason)) === 'done'
      })
    }

    /** Of the epochs that no report has carried. */
    const tellRestStored = () => {
      const endedMs = reporter.oldestMs()
      if (endedMs !== null) deps.onEpochsStored(endedMs)
    }

    const end = async (
      finish: Finish,
      {
        contents,
        threads: used,
      }: { contents: Parameters<typeof storeResult>[2]; threads: number | null },
    ) => {
      const outcome = await storeResult(deps, job, contents, finish, (waitedMs) =>
        isForsaken(cause, waitedMs),
      )
      tellRestStored()
      failpoint('worker.finish_after_commit')
      log.info({ job: job.id, status: finish.status, outcome, threads: used }, 'a job has ended')
    }

    return {
      stop,
      kill,
      excessBytes: async () => (run === null ? null : (await run.heldBytes()) - planMemory(job)),
      outgrow(bytes) {
        excessBytes = bytes
        run?.kill()
      },
      ended: work(),
    }
  }
}

/** Of a pause the row itself tells. */
function toReleaseReason(cause: StopCause): ReleaseReason {
  return cause === 'made_way' || cause === 'outage' ? cause : 'drained'
}
