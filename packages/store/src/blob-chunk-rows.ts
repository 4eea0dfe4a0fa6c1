import type { BlobContents } from './blobs.ts'
import type { Database } from './client.ts'
import { translateErrors } from './to-domain-error.ts'

/** A chunk is converted on the event loop when it is read: 256 KiB takes a few milliseconds there. */
const CHUNK_BYTES = 256 * 1024

/** The bytes of blobs as rows of chunks. */
export function makeChunkRows(database: Database): BlobContents {
  const write: BlobContents['write'] = async (sha256, chunks) => {
    let position = 0
    let onItsWay: Promise<unknown> = Promise.resolve()
    for await (const chunk of inChunks(chunks)) {
      // A chunk left by a broken-off upload has the same bytes; its new date keeps the sweep away from it.
      const insert = database.pool.query(
        `INSERT INTO blob_chunks (sha256, position, data) VALUES ($1, $2, $3)
         ON CONFLICT (sha256, position) DO UPDATE SET created_at = clock_timestamp()`,
        [sha256, position, chunk],
      )
      // Its failure is heard of when it is waited for: Postgres writes one chunk while the next is read and sent.
      insert.catch(() => undefined)
      await onItsWay
      onItsWay = insert
      position += 1
    }
    await onItsWay
  }

  return {
    write,

    async writeMany(blobs) {
      const small = blobs.filter(({ bytes }) => bytes.byteLength <= CHUNK_BYTES)
      for (const { sha256, bytes } of blobs) {
        if (bytes.byteLength > CHUNK_BYTES) await write(sha256, [bytes], bytes.byteLength)
      }
      // All in one value: an array of bytes would be written as hexadecimal text, here and on the event loop.
      await database.pool.query(
        `INSERT INTO blob_chunks (sha256, position, data)
         SELECT sha256, 0, substring($3::bytea FROM (ends - bytes + 1)::int FOR bytes)
         FROM (SELECT sha256, bytes, sum(bytes) OVER (ORDER BY place) AS ends
           FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS given (sha256, bytes, place)) AS placed
         ON CONFLICT (sha256, position) DO UPDATE SET created_at = clock_timestamp()`,
        [
          small.map(({ sha256 }) => sha256),
          small.map(({ bytes }) => bytes.byteLength),
          Buffer.concat(small.map(({ bytes }) => bytes)),
        ],
      )
    },

    async *read(sha256, part = { start: 0, end: Number.POSITIVE_INFINITY }) {
      const first = part.start === 0 ? null : await findChunk(database, sha256, part.start)
      let at = first?.start ?? 0
      for (let position = first?.position ?? 0; at < part.end; position++) {
        const { rows } = await translateErrors(() =>
          database.pool.query<{ data: Buffer }>(
            'SELECT data FROM blob_chunks WHERE sha256 = $1 AND position = $2',
            [sha256, position],
          ),
        )
        const chunk = rows[0]?.data
        if (chunk === undefined) return
        yield chunk.subarray(Math.max(0, part.start - at), part.end - at)
        at += chunk.length
      }
    },

    async sweep() {
      await database.$executeRaw`
        DELETE FROM blob_chunks c WHERE created_at < clock_timestamp() - interval '1 hour'
          AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.sha256 = c.sha256)`
    },
  }
}

/** The chunk that holds byte `offset`, and the byte it begins with. Lengths are in the rows: no bytes are read for it. */
async function findChunk(
  database: Database,
  sha256: string,
  offset: number,
): Promise<{ position: number; start: number } | null> {
  const rows = await translateErrors(
    () => database.$queryRaw<{ position: number; start: number }[]>`
      SELECT position, start FROM (
        SELECT position, (sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data))::float8 AS start
        FROM blob_chunks WHERE sha256 = ${sha256}) AS chunks
      WHERE start <= ${offset} ORDER BY position DESC LIMIT 1`,
  )
  return rows[0] ?? null
}

async function* inChunks(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES)
  let filled = 0
  for await (const part of parts) {
    for (let taken = 0; taken < part.length; ) {
      const count = Math.min(CHUNK_BYTES - filled, part.length - taken)
      chunk.set(part.subarray(taken, taken + count), filled)
      filled += count
      taken += count
      if (filled === CHUNK_BYTES) {
        yield chunk.slice()
        filled = 0
      }
    }
  }
  if (filled > 0) yield chunk.slice(0, filled)
}
