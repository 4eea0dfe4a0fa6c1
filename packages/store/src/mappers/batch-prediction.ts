import type { BatchPrediction, BatchPredictionEvent } from '@trainyard/contracts'
import { type EventFields, toEventFields } from './event.ts'

export interface BatchRow {
  id: string
  project_id: string
  name: string | null
  status: string
  model: string
  version: number
  model_sha256: string
  dataset_id: string
  dataset_sha256: string
  outputs: unknown
  rows: number
  rows_done: number
  attempt: number
  result_dataset_id: string | null
  error: unknown
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

export function toBatchPrediction(row: BatchRow): BatchPrediction {
  return {
    object: 'batch_prediction',
    id: row.id as BatchPrediction['id'],
    project_id: row.project_id as BatchPrediction['project_id'],
    name: row.name,
    status: row.status as BatchPrediction['status'],
    model: row.model,
    version: row.version,
    model_sha256: row.model_sha256,
    dataset_id: row.dataset_id as BatchPrediction['dataset_id'],
    dataset_sha256: row.dataset_sha256,
    outputs: row.outputs as BatchPrediction['outputs'],
    rows: row.rows,
    rows_done: row.rows_done,
    attempt: row.attempt,
    result_dataset_id: row.result_dataset_id as BatchPrediction['result_dataset_id'],
    error: row.error as BatchPrediction['error'],
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  }
}

export interface BatchEventRow extends EventFields {
  batch_prediction_id: string
}

export function toBatchPredictionEvent(row: BatchEventRow): BatchPredictionEvent {
  const { batch_prediction_id: id } = row
  return {
    ...toEventFields<BatchPredictionEvent>(row),
    batch_prediction_id: id as BatchPredictionEvent['batch_prediction_id'],
  }
}
