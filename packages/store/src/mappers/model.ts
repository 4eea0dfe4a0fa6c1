import type { Model, ModelVersion } from '@trainyard/contracts'

export interface ModelRow {
  id: string
  name: string
  latest_version: number
  created_at: Date
  versions: { version: number; sha256: string; created_at: string }[]
}

export function toModel(row: ModelRow): Model {
  return {
    object: 'model',
    id: row.id as Model['id'],
    name: row.name,
    latest_version: row.latest_version,
    versions: row.versions.map(({ version, sha256, created_at }) => ({
      version,
      sha256,
      // Inside JSON a timestamp is the text of Postgres.
      created_at: new Date(created_at).toISOString(),
    })),
    created_at: row.created_at.toISOString(),
  }
}

export interface ModelVersionRow {
  name: string
  version: number
  architecture: unknown
  preprocessing: unknown
  parameter_count: number
  sha256: string
  bytes: bigint
  source: unknown
  created_at: Date
}

export function toModelVersion(row: ModelVersionRow): ModelVersion {
  return {
    object: 'model_version',
    model: row.name,
    version: row.version,
    architecture: row.architecture as ModelVersion['architecture'],
    preprocessing: row.preprocessing as ModelVersion['preprocessing'],
    parameter_count: row.parameter_count,
    sha256: row.sha256,
    bytes: Number(row.bytes),
    source: row.source as ModelVersion['source'],
    created_at: row.created_at.toISOString(),
  }
}
