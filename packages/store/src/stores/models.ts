import {
  createId,
  LATEST,
  MODEL_VERSIONS_SHOWN,
  type Model,
  type ModelEvent,
  type ModelVersion,
  type ProjectId,
} from '@trainyard/contracts'
import { DomainError, type ModelStore, type VersionChoice } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import {
  type ModelEventRow,
  type ModelRow,
  type ModelVersionRow,
  toModel,
  toModelEvent,
  toModelVersion,
} from '../mappers/model.ts'
import { translateErrors } from '../to-domain-error.ts'
import { writeOnce } from './idempotency.ts'
import { toList, toPageClause } from './keyset.ts'

const KEYSET = { createdAt: Prisma.sql`m.created_at`, id: Prisma.sql`m.id` }
/** The alias that decides where a caller names no version. */
const CHAMPION = 'champion'

export function createModels(database: Database): ModelStore {
  return {
    insertVersion: (version, request) =>
      translateErrors(() =>
        writeOnce(
          database,
          { projectId: version.projectId, request, status: 201 },
          async (transaction) => {
            // The row lock of the update makes versions of one model follow each other without holes.
            const inserted = await transaction.$queryRaw<{ model_id: string; version: number }[]>`
              WITH model AS (
                INSERT INTO models AS m (id, project_id, name, latest_version)
                VALUES (${createId('model')}, ${version.projectId}, ${version.model}, 1)
                ON CONFLICT (project_id, name) DO UPDATE
                  SET latest_version = m.latest_version + 1, deleted_at = NULL
                RETURNING id, latest_version)
              INSERT INTO model_versions (model_id, version, sha256, parameter_count, architecture, preprocessing, members,
                source, lineage, signature, example)
              SELECT model.id, model.latest_version, ${version.sha256}, ${version.parameterCount},
                ${toJson(version.architecture)}::jsonb, ${toJson(version.preprocessing)}::jsonb,
                ${toJson(version.members)}::jsonb, ${toJson(version.source)}::jsonb,
                ${toJson(version.lineage)}::jsonb, ${toJson(version.signature)}::jsonb,
                ${toJson(version.example)}::jsonb
              FROM model RETURNING model_id, version`
            const { model_id, version: number } = inserted[0] ?? { model_id: '', version: 0 }
            await writeEvent(transaction, model_id, 'model.version_created', {
              message: `Version ${number} is there`,
              data: { version: number, source: version.source },
            })
            const { projectId, model } = version
            const read = await readVersion(transaction, projectId, model, number)
            if (read === null) throw new Error('an inserted version was not found')
            return read
          },
        ),
      ),

    find: (projectId, name) =>
      translateErrors(async () => {
        const rows = await readModels(Prisma.sql`m.project_id = ${projectId} AND m.name = ${name}`)
        return rows[0] === undefined ? null : toModel(rows[0])
      }),

    list: (projectId, page) =>
      translateErrors(async () => {
        const rest = await toPageClause(page, KEYSET, (cursor) => cursorAt(projectId, cursor))
        const rows = await readModels(Prisma.sql`m.project_id = ${projectId} ${rest}`)
        return toList<ModelRow, Model>(rows, page, toModel)
      }),

    findVersion: (projectId, name, choice) =>
      translateErrors(() => readVersion(database, projectId, name, choice)),

    moveAlias: (projectId, name, alias, version) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const modelId = await lockModel(transaction, projectId, name)
          const versions = await transaction.$queryRaw<{ previous: number | null }[]>`
            SELECT (SELECT a.version FROM model_aliases a WHERE a.model_id = v.model_id AND a.alias = ${alias}) AS previous
            FROM model_versions v
            WHERE v.model_id = ${modelId} AND v.version = ${version}::int AND v.deleted_at IS NULL`
          if (modelId === null || versions[0] === undefined) return null
          const { previous } = versions[0]
          const moved = { alias, version, previous_version: previous }
          if (previous !== version) {
            await transaction.$executeRaw`
              INSERT INTO model_aliases (model_id, alias, version) VALUES (${modelId}, ${alias}, ${version}::int)
              ON CONFLICT (model_id, alias) DO UPDATE SET version = EXCLUDED.version`
            await writeEvent(transaction, modelId, 'model.alias_moved', {
              message: `"${alias}" names version ${version}`,
              data: moved,
            })
          }
          return { object: 'model_alias', model: name, ...moved }
        }),
      ),

    deleteAlias: (projectId, name, alias) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const modelId = await lockModel(transaction, projectId, name)
          if (modelId === null) return false
          const deleted = await transaction.$queryRaw<{ version: number }[]>`
            DELETE FROM model_aliases WHERE model_id = ${modelId} AND alias = ${alias} RETURNING version`
          if (deleted[0] === undefined) return false
          await writeEvent(transaction, modelId, 'model.alias_deleted', {
            message: `"${alias}" names no version any more`,
            data: { alias, previous_version: deleted[0].version },
          })
          return true
        }),
      ),

    delete: (projectId, name, { version, purge }) =>
      translateErrors(() =>
        database.$transaction(async (transaction) => {
          const modelId = await lockModel(transaction, projectId, name, { deletedToo: purge })
          if (modelId === null) return false
          if (version === null) return await deleteModel(transaction, modelId, purge)
          return await deleteVersion(transaction, modelId, version, purge)
        }),
      ),

    events: (id, afterSeq, limit) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<ModelEventRow[]>`
          SELECT e.id, m.name, e.seq, e.type, e.message, e.data, e.created_at
          FROM model_events e JOIN models m ON m.id = e.model_id
          WHERE e.model_id = ${id} AND e.seq > ${afterSeq} ORDER BY e.seq LIMIT ${limit}::int`
        return rows.map(toModelEvent)
      }),

    eventSeq: (id, eventId) =>
      translateErrors(async () => {
        const rows = await database.$queryRaw<{ seq: number }[]>`
          SELECT seq FROM model_events WHERE model_id = ${id} AND id = ${eventId}`
        return rows[0]?.seq ?? null
      }),
  }

  async function readModels(where: Prisma.Sql): Promise<ModelRow[]> {
    return await database.$queryRaw<ModelRow[]>`
      SELECT m.id, m.name, m.created_at, ARRAY(
        SELECT jsonb_build_object('version', v.version, 'sha256', v.sha256, 'created_at', v.created_at)
        FROM model_versions v WHERE v.model_id = m.id AND v.deleted_at IS NULL
        ORDER BY v.version DESC LIMIT ${MODEL_VERSIONS_SHOWN}::int
      ) AS versions, COALESCE(
        (SELECT jsonb_object_agg(a.alias, a.version) FROM model_aliases a WHERE a.model_id = m.id), '{}') AS aliases
      FROM models m WHERE m.deleted_at IS NULL AND ${where}`
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM models WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

async function readVersion(
  queryable: Queryable,
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
): Promise<ModelVersion | null> {
  const rows = await queryable.$queryRaw<ModelVersionRow[]>`
    SELECT m.name, v.version, v.architecture, v.preprocessing, v.members, v.parameter_count, v.sha256, b.bytes, v.source,
      v.lineage, v.signature, v.example, v.created_at,
      ARRAY(SELECT a.alias FROM model_aliases a
        WHERE a.model_id = v.model_id AND a.version = v.version ORDER BY a.alias) AS aliases
    FROM models m JOIN model_versions v ON v.model_id = m.id JOIN blobs b ON b.sha256 = v.sha256
    WHERE m.project_id = ${projectId} AND m.name = ${name} AND m.deleted_at IS NULL AND v.deleted_at IS NULL
      AND v.version = ${numberOf(choice)}`
  return rows[0] === undefined ? null : toModelVersion(rows[0])
}

function numberOf(choice: VersionChoice): Prisma.Sql {
  if (typeof choice === 'number') return Prisma.sql`${choice}::int`
  const latest = Prisma.sql`(SELECT max(l.version) FROM model_versions l WHERE l.model_id = m.id AND l.deleted_at IS NULL)`
  if (choice === LATEST) return latest
  const named = (alias: string) =>
    Prisma.sql`(SELECT a.version FROM model_aliases a WHERE a.model_id = m.id AND a.alias = ${alias})`
  return choice === null ? Prisma.sql`COALESCE(${named(CHAMPION)}, ${latest})` : named(choice)
}

/** The id of the model, whose row is held until the transaction ends. */
async function lockModel(
  transaction: Queryable,
  projectId: ProjectId,
  name: string,
  { deletedToo = false } = {},
): Promise<string | null> {
  const locked = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM models WHERE project_id = ${projectId} AND name = ${name}
      AND (deleted_at IS NULL OR ${deletedToo}) FOR UPDATE`
  return locked[0]?.id ?? null
}

async function deleteModel(
  transaction: Queryable,
  modelId: string,
  purge: boolean,
): Promise<boolean> {
  if (purge) {
    await transaction.$executeRaw`DELETE FROM models WHERE id = ${modelId}`
    return true
  }
  await transaction.$executeRaw`DELETE FROM model_aliases WHERE model_id = ${modelId}`
  await transaction.$executeRaw`
    UPDATE model_versions SET deleted_at = clock_timestamp() WHERE model_id = ${modelId} AND deleted_at IS NULL`
  await transaction.$executeRaw`UPDATE models SET deleted_at = clock_timestamp() WHERE id = ${modelId}`
  await writeEvent(transaction, modelId, 'model.deleted', {
    message: 'The model is deleted',
    data: {},
  })
  return true
}

async function deleteVersion(
  transaction: Queryable,
  modelId: string,
  version: number,
  purge: boolean,
): Promise<boolean> {
  const found = await transaction.$queryRaw<
    { aliases: string[]; live: boolean; others: boolean }[]
  >`
    SELECT ARRAY(SELECT a.alias FROM model_aliases a
        WHERE a.model_id = v.model_id AND a.version = v.version ORDER BY a.alias) AS aliases,
      v.deleted_at IS NULL AS live,
      EXISTS (SELECT 1 FROM model_versions o
        WHERE o.model_id = v.model_id AND o.version <> v.version AND o.deleted_at IS NULL) AS others
    FROM model_versions v WHERE v.model_id = ${modelId} AND v.version = ${version}::int
      AND (v.deleted_at IS NULL OR ${purge})`
  if (found[0] === undefined) return false
  const { aliases, live, others } = found[0]
  if (aliases.length > 0) {
    const detail = `${aliases.map((alias) => `"${alias}"`).join(', ')} ${aliases.length === 1 ? 'names' : 'name'} version ${version}.`
    throw new DomainError('model_version_aliased', { detail, aliases })
  }
  if (live) {
    await writeEvent(transaction, modelId, 'model.version_deleted', {
      message: `Version ${version} is deleted`,
      data: { version },
    })
  }
  await transaction.$executeRaw(
    purge
      ? Prisma.sql`DELETE FROM model_versions WHERE model_id = ${modelId} AND version = ${version}::int`
      : Prisma.sql`UPDATE model_versions SET deleted_at = clock_timestamp()
          WHERE model_id = ${modelId} AND version = ${version}::int`,
  )
  if (live && !others) await deleteModel(transaction, modelId, false)
  return true
}

/** Under the next seq of the model, in the transaction of what it tells. */
async function writeEvent(
  transaction: Queryable,
  modelId: string,
  type: ModelEvent['type'],
  { message, data }: { message: string; data: Record<string, unknown> },
): Promise<void> {
  await transaction.$executeRaw`
    WITH model AS (UPDATE models SET event_seq = event_seq + 1 WHERE id = ${modelId} RETURNING id, event_seq)
    INSERT INTO model_events (id, model_id, seq, type, message, data)
    SELECT ${createId('event')}, model.id, model.event_seq, ${type}, ${message}, ${JSON.stringify(data)}::jsonb
    FROM model`
}
