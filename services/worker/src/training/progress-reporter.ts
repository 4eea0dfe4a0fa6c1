/**
 * Carries a running job's epochs to its row, and its lease on: at most four writes a second however fast the epochs, and
 * often enough for the lease however slow, as long as the thread is alive.
 */
import type { EpochLayers, EpochMetrics, Fold, MetricsSummary } from '@trainyard/contracts'
import {
  type CheckpointProgress,
  DomainError,
  type JobCheckpoint,
  type Lease,
  type LeaseStore,
  type Progress,
} from '@trainyard/domain'
import type { Logger } from 'pino'
import { judged, summarizeEpoch } from './summarize-epoch.ts'
import type { EpochReport } from './thread-protocol.ts'

const REPORT_INTERVAL_MS = 250
/** A thread whose batch counter stands still for this long is hung, and would be so anywhere. */
export const BATCH_MS_MAX = 10 * 60_000
/** More than a thread makes between two reports; what is left over after a long outage goes in parts. */
const EPOCHS_PER_REPORT = 20_000

export interface ReporterHooks {
  /** How far the training is, in batches from its start. */
  batch: () => number
  /** Whether the training waits for us, as it does at a rung: for Postgres, however long that is away. */
  isAtRung: () => boolean
  /** That far is known to the row now. */
  onBatchReported: (batch: number) => void
  /** One batch takes longer than any may. */
  onHung: () => void
  /** Postgres has been away for so long that computing on is a waste: told at each report that fails from then on. */
  onOutage: () => void
  /** Somebody asked to cancel or pause the job. */
  onStopAsked: (how: 'cancel' | 'pause') => void
  /** The lease is another's: stop, and write nothing more. */
  onFenced: () => void
  /** Epochs, or folds, or a checkpoint were stored. */
  onReported: () => void
  /** All epochs were stored that came with one whose first ended then. */
  onEpochsStored: (endedMs: number) => void
  onCheckpointStored: () => void
}

export interface ProgressReporter {
  /** `endedMs`: when the first of them ended. */
  add(epochs: EpochReport, endedMs: number): void
  addFold(fold: Fold): void
  /** To be stored once all epochs before it are; `onCheckpointStored` tells. A newer one takes its place. */
  addCheckpoint(checkpoint: JobCheckpoint): void
  /** Ends reporting and returns what has not been stored, for the terminal write. */
  stop(): Promise<{ epochs: EpochReport; checkpoint: JobCheckpoint | null }>
  /** When the oldest epoch that has not been stored ended; null when all are. */
  oldestMs(): number | null
  /** Folds that have not been stored. */
  folds(): Fold[]
  best(): { epoch: number; metrics: MetricsSummary } | null
  last(): { epoch: number; metrics: MetricsSummary } | null
}

export function startReporter(
  lease: Lease,
  {
    leases,
    renewEveryMs,
    outageMsMax,
    log,
  }: { leases: LeaseStore; renewEveryMs: number; outageMsMax: number; log: Logger },
  hooks: ReporterHooks,
  /** Of the attempts before, where this one goes on. */
  before: Pick<CheckpointProgress, 'best' | 'last'> | null = null,
): ProgressReporter {
  // Unbounded while Postgres is away, since a job is: the contract allows it 100,000 epochs.
  const unreported: EpochMetrics[] = []
  /** Of `unreported`, in the order of coming. */
  const arrivals: { rows: number; endedMs: number }[] = []
  const unreportedLayers: EpochLayers[] = []
  const unreportedFolds: Fold[] = []
  let checkpoint: JobCheckpoint | null = null
  let best = before?.best ?? null
  let last = before?.last ?? null
  let stopped = false
  let reportedMs = Number.NEGATIVE_INFINITY
  // The claim has just begun the lease.
  let renewedMs = performance.now()
  let heardMs = renewedMs
  let batchSeen = -1
  let movedMs = performance.now()
  let underWay: Promise<void> | null = null
  const timer = setInterval(look, REPORT_INTERVAL_MS)

  return {
    add({ metrics, layers }, endedMs) {
      if (metrics.length > 0) arrivals.push({ rows: metrics.length, endedMs })
      for (const row of metrics) {
        unreported.push(row)
        last = row
        if (best === null || judged(row) < judged(best)) best = row
      }
      unreportedLayers.push(...layers)
      look()
    },
    addFold(fold) {
      unreportedFolds.push(fold)
      look()
    },
    addCheckpoint(given) {
      checkpoint = given
      look()
    },
    async stop() {
      end()
      await underWay
      return { epochs: { metrics: unreported, layers: unreportedLayers }, checkpoint }
    },
    oldestMs: () => arrivals[0]?.endedMs ?? null,
    folds: () => unreportedFolds,
    best: () => summarizeEpoch(best),
    last: () => summarizeEpoch(last),
  }

  function end(): void {
    stopped = true
    clearInterval(timer)
  }

  function look(): void {
    if (stopped || underWay !== null) return
    const nowMs = performance.now()
    const batch = hooks.batch()
    if (batch !== batchSeen || hooks.isAtRung()) {
      batchSeen = batch
      movedMs = nowMs
    } else if (nowMs - movedMs > BATCH_MS_MAX) {
      movedMs = nowMs
      hooks.onHung()
    }
    if (unreported.length + unreportedFolds.length > 0 || checkpoint !== null) {
      if (nowMs - reportedMs < REPORT_INTERVAL_MS) return
      reportedMs = nowMs
    } else if (nowMs - renewedMs < renewEveryMs) {
      return
    }
    renewedMs = nowMs
    underWay = report(batch).finally(() => {
      underWay = null
    })
  }

  function tellStored(rows: number): void {
    for (let left = rows; left > 0; ) {
      const [first] = arrivals
      if (first === undefined) return
      const stored = Math.min(left, first.rows)
      left -= stored
      first.rows -= stored
      if (first.rows > 0) return
      arrivals.shift()
      hooks.onEpochsStored(first.endedMs)
    }
  }

  async function report(batch: number): Promise<void> {
    const metrics = unreported.slice(0, EPOCHS_PER_REPORT)
    const newest = metrics.at(-1)
    const layers = unreportedLayers.filter(({ epoch }) => epoch <= (newest?.epoch ?? -1))
    const folds = [...unreportedFolds]
    const next = unreported[metrics.length]
    // Not before the epochs that it has completed.
    const kept =
      checkpoint !== null && (next?.epoch ?? Number.POSITIVE_INFINITY) > checkpoint.progress.epoch
        ? checkpoint
        : undefined
    const progress: Progress | null =
      newest === undefined && folds.length === 0 && kept === undefined
        ? null
        : {
            metrics,
            layers,
            epoch: newest?.epoch ?? 0,
            best: summarizeEpoch(best),
            ...(folds.length > 0 && { folds }),
            checkpoint: kept,
          }
    try {
      const answer = await leases.report(lease, progress, batch)
      heardMs = performance.now()
      if (answer === 'fenced') {
        // Nothing was stored, and nothing ever will be under this lease.
        end()
        hooks.onFenced()
        return
      }
      unreported.splice(0, metrics.length)
      tellStored(metrics.length)
      unreportedLayers.splice(0, layers.length)
      unreportedFolds.splice(0, folds.length)
      if (kept !== undefined) {
        if (checkpoint === kept) checkpoint = null
        hooks.onCheckpointStored()
      }
      hooks.onBatchReported(batch)
      if (answer === 'cancel' || answer === 'pause') hooks.onStopAsked(answer)
      if (progress !== null) hooks.onReported()
    } catch (error) {
      // Training goes on: what could not be stored is stored when Postgres is back, under the same lease epoch.
      const level = error instanceof DomainError && error.code === 'unavailable' ? 'warn' : 'error'
      log[level]({ err: error, job: lease.jobId }, 'progress could not be stored')
      if (performance.now() - heardMs > outageMsMax) hooks.onOutage()
    }
  }
}
