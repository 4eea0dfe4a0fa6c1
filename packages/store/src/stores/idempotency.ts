import type { ProjectId } from '@trainyard/contracts'
import type { IdempotencyStore, IdempotentRequest, Once, StoredResponse } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Database, Queryable } from '../client.ts'
import { translateErrors } from '../to-domain-error.ts'

/** Keys are remembered this long; it is said in the API's documentation. */
const REMEMBERED_HOURS = 24

interface Row {
  request_sha256: string
  status: number
  body: unknown
}

export function createIdempotency(database: Database): IdempotencyStore {
  return {
    find: (projectId, request) => translateErrors(() => findStored(database, projectId, request)),

    expire: () =>
      translateErrors(
        () => database.$executeRaw`
          DELETE FROM idempotency_keys
          WHERE created_at < clock_timestamp() - make_interval(hours => ${REMEMBERED_HOURS}::int)`,
      ),
  }
}

/**
 * Runs `write` in one transaction with the record of its key. When another request with the key was first, nothing is
 * written and its response is the result; while that one is still in its transaction, this one waits for it.
 */
export async function writeOnce<Result>(
  database: Database,
  scope: {
    projectId: ProjectId
    request: IdempotentRequest | null
    status: number
    /** Of the transaction. Default: that of all. */
    timeoutMs?: number
  },
  write: (transaction: Queryable) => Promise<Result>,
): Promise<Once<Result>> {
  const { projectId, request, status, timeoutMs } = scope
  const run = async (transaction: Queryable): Promise<Once<Result>> => {
    if (request === null) {
      const result = await write(transaction)
      failpoint('api.insert_before_commit')
      return { kind: 'done', result }
    }
    const reserved = await transaction.$executeRaw`
      INSERT INTO idempotency_keys (project_id, method, path, key, request_sha256, status, body)
      VALUES (${projectId}, ${request.method}, ${request.path}, ${request.key}, ${request.requestSha256}, ${status}, 'null')
      ON CONFLICT DO NOTHING`
    if (reserved === 0) {
      const stored = await findStored(transaction, projectId, request)
      if (stored === null) throw new Error('an idempotency key vanished while it was held')
      return { kind: 'replayed', stored }
    }
    const result = await write(transaction)
    await transaction.$executeRaw`
      UPDATE idempotency_keys SET body = ${JSON.stringify(result)}::jsonb
      WHERE project_id = ${projectId} AND method = ${request.method} AND path = ${request.path} AND key = ${request.key}`
    failpoint('api.insert_before_commit')
    return { kind: 'done', result }
  }
  return await database.$transaction(run, timeoutMs === undefined ? {} : { timeout: timeoutMs })
}

async function findStored(
  queryable: Queryable,
  projectId: ProjectId,
  request: IdempotentRequest,
): Promise<StoredResponse | null> {
  const rows = await queryable.$queryRaw<Row[]>`
    SELECT request_sha256, status, body FROM idempotency_keys
    WHERE project_id = ${projectId} AND method = ${request.method} AND path = ${request.path} AND key = ${request.key}`
  const row = rows[0]
  return row === undefined
    ? null
    : { requestSha256: row.request_sha256, status: row.status, body: row.body }
}
