import type { Model, ModelEvent, ModelVersion } from '@trainyard/contracts'

export interface ModelRow {
  id: string
  name: string
  created_at: Date
  aliases: Record<string, number>
  versions: { version: number; sha256: string; created_at: string }[]
}

export function toModel(row: ModelRow): Model {
  return {
    object: 'model',
    id: row.id as Model['id'],
    name: row.name,
    latest_version: row.versions[0]?.version ?? 0,
    aliases: row.aliases,
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
  members: unknown
  parameter_count: number
  sha256: string
  bytes: bigint
  source: unknown
  lineage: unknown
  signature: unknown
  example: unknown
  aliases: string[]
  created_at: Date
}

export function toModelVersion(row: ModelVersionRow): ModelVersion {
  return {
    object: 'model_version',
    model: row.name,
    version: row.version,
    kind: row.members === null ? 'network' : 'ensemble',
    architecture: row.architecture as ModelVersion['architecture'],
    preprocessing: row.preprocessing as ModelVersion['preprocessing'],
    members: row.members as ModelVersion['members'],
    parameter_count: row.parameter_count,
    sha256: row.sha256,
    bytes: Number(row.bytes),
    source: row.source as ModelVersion['source'],
    lineage: row.lineage as ModelVersion['lineage'],
    signature: row.signature as ModelVersion['signature'],
    example: row.example as ModelVersion['example'],
    aliases: row.aliases,
    created_at: row.created_at.toISOString(),
  }
}

export interface ModelEventRow {
  id: string
  name: string
  seq: number
  type: string
  message: string
  data: unknown
  created_at: Date
}

export function toModelEvent(row: ModelEventRow): ModelEvent {
  return {
    object: 'event',
    id: row.id as ModelEvent['id'],
    seq: row.seq,
    model: row.name,
    created_at: row.created_at.toISOString(),
    level: 'info',
    type: row.type as ModelEvent['type'],
    message: row.message,
    data: row.data as ModelEvent['data'],
  }
}
