import type { PredictBody, Prediction, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore } from '@trainyard/domain'
import { predictionFlops } from '@trainyard/model'
import type { PredictionThread } from '../threads/prediction-thread.ts'
import { findJob } from './find-job.ts'
import type { LoadModel } from './load-model.ts'
import { makeOpenPredictor } from './open-predictor.ts'

/** Of one record: a model of 2 MB at most is opened on the event loop, and 64 records take it about 1.5 ms of products. */
const LOOP_FLOPS_MAX = 1_000_000
/** Under a minute of one thread; beyond it the caller sends fewer records. */
const FLOPS_MAX = 20_000_000_000
/** Preparing records costs more than multiplying them when the network is small. */
const LOOP_ROWS_MAX = 64

export type Predict = (projectId: ProjectId, id: string, body: PredictBody) => Promise<Prediction>

export function makePredict(deps: {
  jobs: Pick<JobStore, 'find'>
  loadModel: LoadModel
  thread: Pick<PredictionThread, 'predict'>
  onPredicted: (facts: { modelKind: string; rows: number; seconds: number }) => void
}): Predict {
  const openPredictor = makeOpenPredictor()

  return async (projectId, id, body) => {
    const job = await findJob(deps.jobs, projectId, id)
    const which = body.which ?? 'best'
    const model = await deps.loadModel(job, which)
    const { architecture } = model
    const rows = 'records' in body ? body.records.length : body.rows.length
    const flops = predictionFlops(architecture, rows)
    if (flops > FLOPS_MAX)
      throw tooMany(rows, Math.floor(FLOPS_MAX / predictionFlops(architecture, 1)))
    const startedMs = performance.now()
    const isSmall = flops <= LOOP_FLOPS_MAX * rows && rows <= LOOP_ROWS_MAX
    const predictions = isSmall
      ? (await openPredictor(model)).predict(body, body.outputs)
      : await deps.thread.predict({ model, input: body, outputs: body.outputs })
    const seconds = (performance.now() - startedMs) / 1000
    deps.onPredicted({ modelKind: architecture.task, rows, seconds })
    return { object: 'prediction', job_id: job.id, which, predictions }
  }
}

function tooMany(rows: number, rowsMax: number): DomainError {
  const detail = `${rows} records are too many for a network of this size; send at most ${rowsMax} at once`
  return new DomainError('budget_exceeded', { detail, errors: [{ pointer: '#', detail }] })
}
