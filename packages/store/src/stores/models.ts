import {
  createId,
  MODEL_VERSIONS_SHOWN,
  type Model,
  type ModelVersion,
  type ProjectId,
} from '@trainyard/contracts'
import type { ModelStore } from '@trainyard/domain'
import type { Database, Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { type ModelRow, type ModelVersionRow, toModel, toModelVersion } from '../mappers/model.ts'
import { translateErrors } from '../to-domain-error.ts'
import { writeOnce } from './idempotency.ts'
import { toList, toPageClause } from './keyset.ts'

const KEYSET = { createdAt: Prisma.sql`m.created_at`, id: Prisma.sql`m.id` }

export function createModels(database: Database): ModelStore {
  return {
    insertVersion: (version, request) =>
      translateErrors(() =>
        writeOnce(
          database,
          { projectId: version.projectId, request, status: 201 },
          async (transaction) => {
            // The row lock of the update makes versions of one model follow each other without holes.
            await transaction.$executeRaw`
              WITH model AS (
                INSERT INTO models AS m (id, project_id, name, latest_version)
                VALUES (${createId('model')}, ${version.projectId}, ${version.model}, 1)
                ON CONFLICT (project_id, name) DO UPDATE SET latest_version = m.latest_version + 1
                RETURNING id, latest_version)
              INSERT INTO model_versions (model_id, version, sha256, parameter_count, architecture, preprocessing, source)
              SELECT model.id, model.latest_version, ${version.sha256}, ${version.parameterCount},
                ${JSON.stringify(version.architecture)}::jsonb,
                ${version.preprocessing === null ? null : JSON.stringify(version.preprocessing)}::jsonb,
                ${JSON.stringify(version.source)}::jsonb
              FROM model`
            const inserted = await readVersion(transaction, version.projectId, version.model, null)
            if (inserted === null) throw new Error('an inserted version was not found')
            return inserted
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

    findVersion: (projectId, name, version) =>
      translateErrors(() => readVersion(database, projectId, name, version)),
  }

  async function readModels(where: Prisma.Sql): Promise<ModelRow[]> {
    return await database.$queryRaw<ModelRow[]>`
      SELECT m.id, m.name, m.latest_version, m.created_at, ARRAY(
        SELECT jsonb_build_object('version', v.version, 'sha256', v.sha256, 'created_at', v.created_at)
        FROM model_versions v WHERE v.model_id = m.id ORDER BY v.version DESC LIMIT ${MODEL_VERSIONS_SHOWN}::int
      ) AS versions
      FROM models m WHERE ${where}`
  }

  async function cursorAt(projectId: ProjectId, cursor: string): Promise<Date | null> {
    const known = await database.$queryRaw<{ created_at: Date }[]>`
      SELECT created_at FROM models WHERE project_id = ${projectId} AND id = ${cursor}`
    return known[0]?.created_at ?? null
  }
}

async function readVersion(
  queryable: Queryable,
  projectId: ProjectId,
  name: string,
  version: number | null,
): Promise<ModelVersion | null> {
  const rows = await queryable.$queryRaw<ModelVersionRow[]>`
    SELECT m.name, v.version, v.architecture, v.preprocessing, v.parameter_count, v.sha256, b.bytes, v.source, v.created_at
    FROM models m JOIN model_versions v ON v.model_id = m.id JOIN blobs b ON b.sha256 = v.sha256
    WHERE m.project_id = ${projectId} AND m.name = ${name}
      AND v.version = COALESCE(${version}::int, m.latest_version)`
  return rows[0] === undefined ? null : toModelVersion(rows[0])
}
