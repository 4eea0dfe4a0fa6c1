/** Batch predictions: claim → read → predict → store → finish, one at a time, beside the trainings. */
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type BatchPredictionError, type Column, PROBLEMS } from '@trainyard/contracts'
import { DataError, type PredictedColumn, type PredictedTable } from '@trainyard/datasets'
import { type BatchEnd, type ClaimedBatch, DomainError } from '@trainyard/domain'
import { encodedInputs, type Scores } from '@trainyard/model'
import { storeFile } from '@trainyard/store'
import type { WorkerDeps } from '../deps.ts'
import type { PredictionRun } from '../predicting/prediction-thread.ts'
import { untilStored } from '../training/store-result.ts'
import { ThreadEndedError } from '../training/training-threads.ts'
import { withBlobFile } from '../training/with-blob-file.ts'
import { isForsaken } from './running-job.ts'

export interface DatasetPredictor {
  /** Stops the one under way after the rows at hand, gives it back, and takes no more. */
  drain(): Promise<void>
}

/** How often an idle worker looks for one: a query on an index of none. */
const LOOK_MS = 500
/** How often the one under way is reported, and a cancel is seen. */
const REPORT_MS_MAX = 500
/** Faulty rows that its error names. */
const FAULTS_SHOWN = 5

type PredictorDeps = Pick<
  WorkerDeps,
  'batches' | 'blobs' | 'results' | 'predictions' | 'workerId' | 'renewEveryMs' | 'log'
>
type StopCause = 'drain' | 'cancel' | 'fenced'

export function startDatasetPredictor(deps: PredictorDeps): DatasetPredictor {
  const { batches, workerId, log } = deps
  const draining = new AbortController()
  let running: { stop(cause: StopCause): void } | null = null

  const loop = async () => {
    while (!draining.signal.aborted) {
      const claimed = await batches.claim(workerId).catch((error: unknown) => {
        log.warn({ err: error }, 'batch predictions could not be looked for')
        return null
      })
      if (claimed === null) {
        await delay(LOOK_MS, undefined, { signal: draining.signal }).catch(() => undefined)
        continue
      }
      const batch = startBatch(deps, claimed)
      running = batch
      if (draining.signal.aborted) batch.stop('drain')
      await batch.ended.catch((error: unknown) => {
        // Its lease ends, and another worker takes it.
        log.error({ err: error, batch: claimed.id }, 'a batch prediction could not be ended')
      })
      running = null
    }
  }

  const ended = loop()
  return {
    async drain() {
      draining.abort()
      running?.stop('drain')
      await ended
    },
  }
}

function startBatch(
  deps: PredictorDeps,
  claimed: ClaimedBatch,
): { stop(cause: StopCause): void; ended: Promise<void> } {
  const { batches, log, renewEveryMs } = deps
  const lease = { id: claimed.id, leaseEpoch: claimed.leaseEpoch }
  let run: PredictionRun | null = null
  let cause: StopCause | null = null

  const stop = (why: StopCause) => {
    cause ??= why
    run?.stop()
  }
  let isReporting = false
  const report = async () => {
    // One at a time: a Postgres that hangs shall not be asked by all connections of the worker.
    if (isReporting) return
    isReporting = true
    try {
      const wish = await batches.report(lease, run?.rowsDone() ?? 0)
      if (wish !== 'go_on') stop(wish)
    } catch (error) {
      log.warn({ err: error, batch: lease.id }, 'a report was not stored')
    } finally {
      isReporting = false
    }
  }
  const reports = setInterval(() => void report(), Math.min(REPORT_MS_MAX, renewEveryMs))
  const work = async () => {
    const onStarted = (started: PredictionRun) => {
      run = started
      if (cause !== null) started.stop()
    }
    const end = await predictBatch(deps, claimed, onStarted, (waitedMs) =>
      isForsaken(cause, waitedMs),
    )
    if (end === null && cause === 'drain') await batches.release(lease, 'drained')
    else if (cause !== 'fenced') {
      await untilStored({ log, job: lease.id }, () =>
        end === 'unreadable'
          ? batches.release(lease, 'unreadable')
          : batches.finish(lease, end ?? { status: 'cancelled' }),
      )
    }
  }
  return { stop, ended: work().finally(() => clearInterval(reports)) }
}

/** null when it was stopped, or its result is forsaken; `unreadable` while what it needs cannot be had. */
async function predictBatch(
  { blobs, results, predictions, log }: PredictorDeps,
  { id, name, model, version, networks, modelSha256, outputs, dataset }: ClaimedBatch,
  onStarted: (run: PredictionRun) => void,
  isForsaken: (waitedMs: number) => boolean,
): Promise<BatchEnd | 'unreadable' | null> {
  try {
    const bytes = Buffer.concat(await Array.fromAsync(blobs.read(modelSha256)))
    return await withBlobFile({ blobs, folder: results.folder }, dataset.sha256, async (path) => {
      const table = await results.tables.readTable(path, wantedColumns(networks, dataset.columns))
      const run = predictions.run({ networks, bytes, table })
      onStarted(run)
      const scores = await run.scores
      if (scores === null) return null
      const predicted = toPredictedTable(scores, networks[0]?.architecture.classes ?? null, outputs)
      const stored = await results.tables.storePredictions(
        { path, columns: dataset.columns },
        predicted,
      )
      const { parquetPath, ...described } = stored
      try {
        const blob = await untilStored({ log, job: id, isForsaken }, async (waitedMs) =>
          isForsaken(waitedMs) ? null : await storeFile(blobs, parquetPath),
        )
        if (blob === null) return null
        const title = name ?? `${model} ${version} of ${dataset.id}`
        return { status: 'succeeded', result: { name: title, ...described, ...blob } }
      } finally {
        await rm(parquetPath, { force: true })
      }
    })
  } catch (error) {
    if (
      error instanceof DomainError &&
      PROBLEMS[error.code].retryable &&
      error.code !== 'internal'
    ) {
      log.warn({ err: error, batch: id }, 'a batch prediction is given back')
      return 'unreadable'
    }
    const told = toError(error)
    if (told.code === 'internal') log.error({ err: error, batch: id }, 'a batch prediction failed')
    return { status: 'failed', error: told }
  }
}

/** Those that a network takes, whatever their role in training; the others are not read. */
function wantedColumns(networks: ClaimedBatch['networks'], columns: readonly Column[]): Column[] {
  const wanted = new Set(
    networks.flatMap(({ architecture, preprocessing }) =>
      (preprocessing ?? encodedInputs(architecture)).columns.map(({ column }) => column),
    ),
  )
  return columns.map((column) => ({
    ...column,
    role: wanted.has(column.name) ? 'feature' : 'ignored',
  }))
}

function toPredictedTable(
  { rows, classIndices, values, probabilities, logits }: Scores,
  classes: readonly string[] | null,
  outputs: ClaimedBatch['outputs'],
): PredictedTable {
  const columns: PredictedColumn[] = []
  if (classIndices !== null && classes !== null) {
    columns.push({ name: 'label', values: classIndices, start: 0, step: 1, labels: classes })
  } else if (values !== null) columns.push({ name: 'value', values, start: 0, step: 1 })
  if (probabilities !== null && classes !== null && outputs.includes('probabilities')) {
    for (const [i, label] of classes.entries()) {
      const name = `probability_${label}`
      columns.push({ name, values: probabilities, start: i, step: classes.length })
    }
  }
  if (logits !== null && outputs.includes('logits')) {
    const width = logits.length / rows
    for (let i = 0; i < width; i++) {
      columns.push({ name: `logit_${i}`, values: logits, start: i, step: width })
    }
  }
  return { rows, columns, task: classes === null ? 'regression' : 'classification' }
}

function toError(error: unknown): BatchPredictionError {
  if (error instanceof DataError) {
    const shown = error.faults.slice(0, FAULTS_SHOWN).map(({ detail }) => detail)
    const more = error.faults.length > FAULTS_SHOWN ? '; and more' : ''
    return { code: 'invalid_data', message: `${shown.join('; ')}${more}` }
  }
  const { code } = error as { code?: string }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || error instanceof RangeError) {
    return { code: 'out_of_memory', message: 'The predictions need more memory than there is' }
  }
  const message =
    error instanceof ThreadEndedError
      ? 'The thread of the predictions has ended without a word'
      : 'Something went wrong on our side'
  return { code: 'internal', message }
}
