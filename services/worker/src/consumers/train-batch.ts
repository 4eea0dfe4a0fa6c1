/**
 * Short trials of one sweep, many at a time: claimed together, trained one after the other on one thread, and ended in
 * batches. Each has a lease of its own and is fenced, stopped and seen by itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { EpochMetrics, JobError, JobId } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import type { ClaimedJob, ClaimedSibling, Finish, Lease } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { WorkerDeps } from '../deps.ts'
import { makeManifest } from '../training/make-manifest.ts'
import { planMemory } from '../training/plan-memory.ts'
import { readInitialWeights } from '../training/read-initial-weights.ts'
import { mayPass, toFinish, untilStored, withoutContents } from '../training/store-result.ts'
import { judged, summarizeEpoch } from '../training/summarize-epoch.ts'
import type { BatchMessage, TrainingAnswer } from '../training/thread-protocol.ts'
import { toFailedError, toOutgrown } from '../training/to-job-error.ts'
import { type BatchRun, ThreadEndedError } from '../training/training-threads.ts'
import {
  isForsaken,
  outranks,
  type RunningJob,
  STOP_MS_MAX,
  type StopCause,
} from './running-job.ts'

/** Of a trial that has come to nothing. */
const NOTHING = { best: null, final: null, manifest: null, layers: [], weights: [] }
const BATCH_MAX = 64
/** Of training: another project's job waits for about as long. */
const BATCH_MS_MAX = 200
/** Each write wakes scheduler and clients, which compute on the same cores. */
const WRITE_EVERY_MS = 250

/** One trial of a batch. */
interface Member {
  job: Pick<ClaimedJob, 'id' | 'resolvedConfig' | 'dataset'>
  lease: Lease
  cause: StopCause | null
  /** Written, given back, or another's. */
  isDone: boolean
}

interface BatchProgress {
  /** How many have ended, one way or another. */
  answered: number
  /** Of the one that was ended for its memory. */
  excessBytes: number | null
}

interface Ended {
  member: Member
  finish: Finish
  /** When its first epoch ended; null without any. */
  endedMs: number | null
  contents: { sha256: string; bytes: Uint8Array }[]
}

export interface RunningBatch {
  jobs: Map<JobId, RunningJob>
  /** Resolves when the thread is free; what is left to be written then has not ended. */
  trained: Promise<void>
}

export interface BatchTrainer {
  /** Claims more trials like this one and starts them all. */
  start(first: ClaimedJob): Promise<RunningBatch>
}

export function makeBatchTrainer(deps: WorkerDeps): BatchTrainer {
  const { trialLeases, leases, datasets, blobs, threads, pulse, log, workerId } = deps

  return {
    async start(first) {
      const members = [
        toMember(first, first),
        ...(await claimMore(first)).map((one) => toMember(first, one)),
      ]
      failpoint('worker.claimed')
      const progress: BatchProgress = { answered: 0, excessBytes: null }
      let run: BatchRun | null = null
      let killing: NodeJS.Timeout | undefined
      const stop = (index: number, cause: StopCause) => {
        const member = members[index] as Member
        if (outranks(cause, member.cause)) member.cause = cause
        run?.stop(index)
        // For one that is stopped within a long batch of rows; the others end as soon as it does.
        killing ??= setTimeout(() => {
          killing = undefined
          const current = members[progress.answered]
          if (current !== undefined && current.cause !== null) run?.kill()
        }, STOP_MS_MAX)
      }
      const trained = Promise.withResolvers<void>()
      const ended = work(members, first, progress, stop, (started) => {
        run = started
        members.forEach(({ cause }, index) => {
          if (cause !== null) started.stop(index)
        })
        started.ended.then(trained.resolve, trained.resolve)
      }).finally(() => {
        clearTimeout(killing)
        trained.resolve()
      })
      const jobs = new Map(
        members.map(({ job }, index): [JobId, RunningJob] => [
          job.id,
          {
            stop: (cause) => stop(index, cause),
            kill: () => stop(index, 'fenced'),
            async excessBytes() {
              if (run === null || progress.answered !== index) return null
              return (await run.heldBytes()) - planMemory({ ...first, ...job })
            },
            outgrow(bytes) {
              progress.excessBytes = bytes
              run?.kill()
            },
            ended,
          },
        ]),
      )
      return { jobs, trained: trained.promise }
    },
  }

  async function claimMore(first: ClaimedJob): Promise<ClaimedSibling[]> {
    const { trial } = first
    if (trial === null || trial.expectedMs === null) return []
    const fitting = Math.ceil(BATCH_MS_MAX / trial.expectedMs)
    const count = Math.min(BATCH_MAX, fitting) - 1
    return await trialLeases.claimSiblings(
      { jobId: first.id, sweepId: trial.sweepId },
      workerId,
      count,
    )
  }

  async function work(
    members: readonly Member[],
    first: ClaimedJob,
    progress: BatchProgress,
    stop: (index: number, cause: StopCause) => void,
    onStarted: (run: BatchRun) => void,
  ): Promise<void> {
    const pending: Ended[] = []
    let writing: Promise<void> | null = null
    let failure: unknown = null
    const write = (): void => {
      if (writing !== null || pending.length === 0) return
      writing = writeEnded(pending)
        .catch((error: unknown) => {
          // Nobody awaits it, and an error that nobody hears ends the process.
          failure = error
        })
        .finally(() => {
          writing = null
          pulse.slotFreed()
        })
    }
    const renewing = setInterval(() => void renew(members, stop), deps.renewEveryMs)
    const flushing = setInterval(write, WRITE_EVERY_MS)
    const onEnd = (message: BatchMessage) => {
      progress.answered = message.index + 1
      const member = members[message.index] as Member
      const given = toEnded(member, message)
      if (given !== null) pending.push(given)
    }
    try {
      const run = threads.runBatch(await toTasks(members, first), onEnd)
      onStarted(run)
      await run.ended
    } catch (error) {
      failure = error
    }
    clearInterval(flushing)
    try {
      await writing
      await writeEnded(pending)
    } finally {
      // What could not be written is found by its lease.
      clearInterval(renewing)
    }
    await giveBack(members, failure, progress)
  }

  async function toTasks(members: readonly Member[], first: ClaimedJob) {
    const { columns, target } = first.dataset
    const load = async (dataset: ClaimedJob['testDataset']) =>
      dataset === null ? null : await datasets.load(dataset)
    const tables = {
      ...{ columns, target, table: await datasets.load(first.dataset) },
      validationTable: await load(first.validationDataset),
      testTable: await load(first.testDataset),
    }
    const initialWeights = await readInitialWeights(blobs, first.resolvedConfig)
    const trial = { observed: false, checkpointed: false, rungs: [] }
    const same = { ...tables, initialWeights, folds: [], resume: null, trial }
    return members.map(({ job }) => ({ ...same, resolved: job.resolvedConfig }))
  }

  /** null for one that is to be given back: it was stopped for the worker's sake. */
  function toEnded(member: Member, message: BatchMessage): Ended | null {
    const { answer, metrics, endedMs } = message
    const { job, cause } = member
    const isStopped = answer.kind === 'trained' && answer.report.end.kind === 'stopped'
    if (cause === 'fenced' || (isStopped && cause !== 'cancel')) return null
    if (answer.kind !== 'trained') {
      const error = toFailedError(toError(answer))
      if (answer.kind === 'failed')
        log.error({ job: job.id, reason: answer.reason }, 'a trial has failed')
      return { ...toFailed(member, error, metrics), endedMs }
    }
    const reached = {
      best: () => summarizeEpoch(bestOf(metrics)),
      last: () => summarizeEpoch(metrics.at(-1) ?? null),
    }
    const { report } = answer
    const finish = toFinish(job, report, reached, makeManifest(job, threads.fused))
    return {
      member,
      finish: { ...finish, metrics },
      endedMs,
      contents: [...report.weights, report.split],
    }
  }

  /** Those that are added meanwhile too: none waits behind what others cannot store. What is written is taken out. */
  async function writeEnded(pending: Ended[]): Promise<void> {
    const [first] = pending
    if (first === undefined) return
    const forsakenAt = (waitedMs: number) =>
      pending.filter(({ member }) => isForsaken(member.cause, waitedMs))
    await untilStored(
      {
        ...{ log, job: first.member.job.id },
        isForsaken: (waitedMs) => forsakenAt(waitedMs).length,
      },
      async (waitedMs) => {
        const forsaken = forsakenAt(waitedMs)
        await finishAll(
          pending,
          forsaken.map((one) => ({ ...one, finish: withoutContents(one.finish), contents: [] })),
        )
        await finishAll(pending, [...pending])
      },
    )
  }

  async function finishAll(pending: Ended[], ended: readonly Ended[]): Promise<void> {
    if (ended.length === 0) return
    const takeOut = () => {
      const members = new Set(ended.map(({ member }) => member))
      const rest = pending.filter(({ member }) => !members.has(member))
      pending.splice(0, pending.length, ...rest)
    }
    try {
      await blobs.putMany(ended.flatMap(({ contents }) => contents))
      failpoint('worker.result_put')
      await trialLeases.finishMany(
        ended.map(({ member, finish }) => ({ lease: member.lease, finish })),
      )
    } catch (error) {
      // What cannot be stored for a fault of ours keeps nothing back that comes later.
      if (!mayPass(error)) takeOut()
      throw error
    }
    failpoint('worker.finish_after_commit')
    takeOut()
    // Those that were not written are another's.
    for (const { member, endedMs } of ended) {
      member.isDone = true
      if (endedMs !== null) deps.onEpochsStored(endedMs)
    }
    log.info({ trials: ended.length }, 'trials have ended')
  }

  async function renew(
    members: readonly Member[],
    stop: (index: number, cause: StopCause) => void,
  ): Promise<void> {
    const open = members.filter(({ isDone }) => !isDone)
    try {
      const answers = await trialLeases.renew(open.map(({ lease }) => lease))
      for (const member of open) {
        const answer = answers.get(member.job.id)
        // Ended meanwhile, it has no lease either.
        if (member.isDone || answer === 'go_on') continue
        stop(members.indexOf(member), answer === 'cancel' ? 'cancel' : 'fenced')
      }
    } catch (error) {
      log.warn({ err: error }, 'leases of trials could not be renewed')
    }
  }

  /** What has not ended: stopped for the worker's sake, or left behind by a thread that is no more. */
  async function giveBack(
    members: readonly Member[],
    failure: unknown,
    { answered, excessBytes }: BatchProgress,
  ): Promise<void> {
    const left = members.filter(({ isDone, cause }) => !isDone && cause !== 'fenced')
    const [first] = left
    if (first === undefined) return
    const guilty = members[answered]
    const isDeath = failure instanceof ThreadEndedError && guilty?.cause === null
    if (failure !== null)
      log.error({ err: failure, trials: left.length }, 'a batch of trials has broken off')
    const isUnreadable = mayPass(failure)
    // As of a job: others would only be tried in their place.
    if (isUnreadable && left.every(({ cause }) => cause === null)) await delay(deps.renewEveryMs)
    if (failure !== null && !isUnreadable && !(failure instanceof ThreadEndedError)) {
      const error = toFailedError(failure)
      await writeEnded(left.map((member) => toFailed(member, error)))
      return
    }
    if (isDeath && guilty !== undefined) {
      if (excessBytes === null) await leases.abandon(guilty.lease)
      else await writeEnded([toFailed(guilty, toOutgrown(excessBytes))])
    }
    const unharmed = left.filter((member) => !(isDeath && member === guilty))
    const cancelled = unharmed.filter(({ cause }) => cause === 'cancel')
    const finish: Finish = {
      ...{ status: 'cancelled', stopReason: 'cancelled', error: null, metrics: [] },
      ...NOTHING,
    }
    await writeEnded(cancelled.map((member) => ({ member, finish, endedMs: null, contents: [] })))
    const open = unharmed.filter(({ isDone }) => !isDone).map(({ lease }) => lease)
    await untilStored({ log, job: first.job.id }, () =>
      trialLeases.releaseMany(open, isUnreadable ? 'unreadable' : 'drained'),
    )
  }
}

function toMember(
  first: ClaimedJob,
  { id, leaseEpoch, resolvedConfig }: Pick<ClaimedJob, 'id' | 'leaseEpoch' | 'resolvedConfig'>,
): Member {
  const job = { id, resolvedConfig, dataset: first.dataset }
  return { job, lease: { jobId: id, leaseEpoch }, cause: null, isDone: false }
}

function toFailed(member: Member, error: JobError, metrics: EpochMetrics[] = []): Ended {
  const finish: Finish = { status: 'failed', stopReason: null, error, metrics, ...NOTHING }
  return { member, finish, endedMs: null, contents: [] }
}

function bestOf(metrics: readonly EpochMetrics[]): EpochMetrics | null {
  let best: EpochMetrics | null = null
  for (const row of metrics) if (best === null || judged(row) < judged(best)) best = row
  return best
}

function toError(answer: Exclude<TrainingAnswer, { kind: 'trained' }>): Error {
  switch (answer.kind) {
    case 'refused':
      return new DataError(answer.faults)
    case 'memory_exceeded':
      return new RangeError(answer.reason)
    case 'unresumable':
    case 'failed':
      return new Error(answer.reason)
  }
}
