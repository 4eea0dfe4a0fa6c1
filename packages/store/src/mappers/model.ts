import type { Model, ModelEvent, ModelVersion } from '@trainyard/contracts'
import { type EventFields, toEventFields } from './event.ts'

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

/** They are all of one level, which is not stored. */
export interface ModelEventRow extends Omit<EventFields, 'level'> {
  name: string
}

export function toModelEvent(row: ModelEventRow): ModelEvent {
  return { ...toEventFields<ModelEvent>({ ...row, level: 'info' }), model: row.name }
}
