import type { Column, Dataset, DatasetWarning } from '@trainyard/contracts'

export interface DatasetRow {
  id: string
  project_id: string
  name: string
  rows: number
  columns: unknown
  target: string
  task: string
  warnings: unknown
  lineage: unknown
  sha256: string
  bytes: bigint
  created_at: Date
}

export function toDataset(row: DatasetRow): Dataset {
  return {
    object: 'dataset',
    id: row.id as Dataset['id'],
    project_id: row.project_id as Dataset['project_id'],
    name: row.name,
    status: 'ready',
    rows: row.rows,
    columns: row.columns as Column[],
    target: row.target,
    task: row.task as Dataset['task'],
    sha256: row.sha256,
    bytes: Number(row.bytes),
    warnings: row.warnings as DatasetWarning[],
    lineage: row.lineage as Dataset['lineage'],
    created_at: row.created_at.toISOString(),
  }
}
