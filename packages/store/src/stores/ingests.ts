/** Uploads under way. A row lives as long as its process says so, by Postgres' clock: nobody has to find a dead one. */
import type { IngestingDataset } from '@trainyard/contracts'
import type { IngestStore } from '@trainyard/domain'
import type { Database } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { translateErrors } from '../to-domain-error.ts'

/** A process says every second that it is alive; one that has not for so long is not any more. */
export const SEEN_WITHIN = Prisma.sql`clock_timestamp() - interval '10 seconds'`

interface IngestRow {
  id: string
  project_id: string
  name: string | null
  phase: string
  bytes_received: bigint
  bytes_total: bigint | null
  created_at: Date
}

export function createIngests(database: Database): IngestStore {
  const read = (where: Prisma.Sql) => database.$queryRaw<IngestRow[]>`
    SELECT id, project_id, name, phase, bytes_received, bytes_total, created_at FROM ingests
    WHERE seen_at > ${SEEN_WITHIN} AND ${where} ORDER BY created_at DESC, id DESC LIMIT 100`

  return {
    put: ({ id, projectId, name, phase, bytesReceived, bytesTotal }) =>
      translateErrors(async () => {
        await database.$executeRaw`
          INSERT INTO ingests (id, project_id, name, phase, bytes_received, bytes_total)
          VALUES (${id}, ${projectId}, ${name}, ${phase}, ${bytesReceived}, ${bytesTotal})
          ON CONFLICT (id) DO UPDATE SET phase = EXCLUDED.phase, bytes_received = EXCLUDED.bytes_received,
            seen_at = clock_timestamp()`
      }),

    remove: (id) =>
      translateErrors(async () => {
        await database.$executeRaw`DELETE FROM ingests WHERE id = ${id}`
      }),

    find: (projectId, id) =>
      translateErrors(async () => {
        const rows = await read(Prisma.sql`project_id = ${projectId} AND id = ${id}`)
        return rows[0] === undefined ? null : toIngesting(rows[0])
      }),

    list: (projectId) =>
      translateErrors(async () =>
        (await read(Prisma.sql`project_id = ${projectId}`)).map(toIngesting),
      ),

    expire: () =>
      translateErrors(
        () => database.$executeRaw`DELETE FROM ingests WHERE seen_at <= ${SEEN_WITHIN}`,
      ),
  }
}

function toIngesting(row: IngestRow): IngestingDataset {
  return {
    object: 'dataset',
    id: row.id as IngestingDataset['id'],
    project_id: row.project_id as IngestingDataset['project_id'],
    name: row.name,
    status: 'ingesting',
    progress: {
      phase: row.phase as IngestingDataset['progress']['phase'],
      bytes_received: Number(row.bytes_received),
      bytes_total: row.bytes_total === null ? null : Number(row.bytes_total),
    },
    created_at: row.created_at.toISOString(),
  }
}
