import type { BatchPredictionId, JobId, Manifest } from '@trainyard/contracts'
import type { ClaimedJob, Finish, FinishedWeights } from '@trainyard/domain'
import { DomainError } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Logger } from 'pino'
import type { WorkerDeps } from '../deps.ts'
import type { ProgressReporter } from './progress-reporter.ts'
import type { TrainingReport } from './thread-protocol.ts'
import { toDivergedError } from './to-job-error.ts'

const RETRY_MS = 500

/** The terminal state that a thread's report means. */
export function toFinish(
  job: Pick<ClaimedJob, 'resolvedConfig'>,
  report: TrainingReport,
  reporter: Pick<ProgressReporter, 'best' | 'last'>,
  manifest: Manifest,
): Finish {
  const results = {
    best: reporter.best(),
    final: reporter.last(),
    manifest,
    metrics: [],
    layers: [],
    split: { sha256: report.split.sha256 },
    weights: report.weights.map(
      (weights): FinishedWeights => ({
        which: weights.which,
        epoch: weights.epoch,
        sha256: weights.sha256,
        bytes: weights.bytes.byteLength,
        architecture: report.architecture,
        preprocessing: report.preprocessing,
      }),
    ),
  }
  switch (report.end.kind) {
    case 'succeeded': {
      const { stopReason } = report.end
      const { baselines, test } = report
      return { status: 'succeeded', stopReason, error: null, ...results, baselines, test }
    }
    case 'stopped':
      return { status: 'cancelled', stopReason: 'cancelled', error: null, ...results }
    case 'diverged': {
      const error = toDivergedError(report.end.at, job.resolvedConfig)
      return { status: 'failed', stopReason: null, error, ...results }
    }
  }
}

/**
 * Weights and split first, by content, then everything else in one fenced transaction: a reader never sees a half of it. The end
 * goes without them once they are forsaken.
 */
export async function storeResult(
  { leases, blobs, log }: Pick<WorkerDeps, 'leases' | 'blobs' | 'log'>,
  job: ClaimedJob,
  contents: readonly { sha256: string; bytes: Uint8Array }[],
  finish: Finish,
  isForsaken: (waitedMs: number) => boolean,
): Promise<'done' | 'fenced'> {
  const lease = { jobId: job.id, leaseEpoch: job.leaseEpoch }
  return await untilStored({ log, job: job.id, isForsaken }, async (waitedMs) => {
    if (isForsaken(waitedMs)) return await leases.finish(lease, withoutContents(finish))
    for (const { sha256, bytes } of contents) {
      await blobs.put({ sha256, bytes: bytes.byteLength }, [bytes])
    }
    failpoint('worker.result_put')
    return await leases.finish(lease, finish)
  })
}

/**
 * Tries again for as long as Postgres is away, frozen, full or busy; what is written is fenced, and may be written twice. The lease
 * may be over by then, but nobody can take it without Postgres, and nothing else can be done without it either. A try that hangs
 * is left alone when `isForsaken` says something else than when it began: the next one knows better.
 */
export async function untilStored<Result>(
  {
    log,
    job,
    isForsaken = () => false,
  }: {
    log: Logger
    job: JobId | BatchPredictionId
    /** Whether nobody wants it any more, or of how much of it that is so. */
    isForsaken?: (waitedMs: number) => boolean | number
  },
  store: (waitedMs: number) => Promise<Result>,
): Promise<Result> {
  const startedMs = performance.now()
  const waitedMs = () => performance.now() - startedMs
  for (;;) {
    const forsaken = isForsaken(waitedMs())
    try {
      return await unless(() => isForsaken(waitedMs()) !== forsaken, store(waitedMs()))
    } catch (error) {
      if (!mayPass(error)) throw error
      log.warn({ err: error, job }, 'what is left of a job could not be stored and is tried again')
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** Whether it is of a server or a disk, which is mended, and not of the job. */
export function mayPass(error: unknown): boolean {
  return (
    error instanceof DomainError && (error.code === 'unavailable' || error.code === 'storage_full')
  )
}

export function withoutContents({ split: _split, ...finish }: Finish): Finish {
  return { ...finish, weights: [] }
}

/** What a try that is left alone still comes to is heard by nobody. */
async function unless<Result>(isLeft: () => boolean, attempt: Promise<Result>): Promise<Result> {
  const { promise: left, reject } = Promise.withResolvers<never>()
  const timer = setInterval(() => {
    const cause = new Error('it hung, and is no longer wanted as it was')
    if (isLeft()) reject(new DomainError('unavailable', {}, { cause }))
  }, RETRY_MS)
  try {
    return await Promise.race([attempt, left])
  } finally {
    clearInterval(timer)
  }
}
