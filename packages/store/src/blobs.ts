import { createHash } from 'node:crypto'
import { type BlobStore, type ByteRange, DomainError } from '@trainyard/domain'
import { makeChunkRows } from './blob-chunk-rows.ts'
import { makeBlobFolder } from './blob-folder.ts'
import { makeBlobBucket } from './blob-s3.ts'
import type { Database } from './client.ts'
import { translateErrors } from './to-domain-error.ts'

/** Where the bytes of blobs lie. What blobs there are, and which are in use, is always said by their rows. */
export interface BlobContents {
  /** Makes all bytes durable, or none: a blob's row is written after. May be repeated. */
  write(
    sha256: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    bytes: number,
  ): Promise<void>
  /** The same for many blobs at a time. */
  writeMany(blobs: readonly { sha256: string; bytes: Uint8Array }[]): Promise<void>
  /** Nothing when there are none; with `part` no other bytes than those. */
  read(sha256: string, part?: ByteRange): AsyncIterable<Uint8Array>
  /** Removes what has had no row of a blob for an hour. */
  sweep(): Promise<void>
}

/** Where blobs lie; all services of an installation are given the same. */
export interface BlobPlace {
  /** Files in a folder that they share. */
  folder?: string | undefined
  /** Objects of an S3-compatible bucket, by the URL that `makeBlobBucket` takes. */
  bucketUrl?: string | undefined
}

/** Blobs as rows of chunks in Postgres, so that one back-up holds everything; or elsewhere, when a place is given. */
export function createBlobs(database: Database, place: BlobPlace = {}): BlobStore {
  const contents = openContents(database, place)
  return {
    put: (blob, chunks) =>
      translateErrors(async () => {
        const present = await database.$executeRaw`
          UPDATE blobs SET touched_at = clock_timestamp() WHERE sha256 = ${blob.sha256}`
        if (present > 0) return
        await contents.write(blob.sha256, chunks, blob.bytes)
        await database.$executeRaw`
          INSERT INTO blobs (sha256, bytes) VALUES (${blob.sha256}, ${blob.bytes})
          ON CONFLICT (sha256) DO UPDATE SET touched_at = clock_timestamp()`
      }),

    putMany: (blobs) =>
      translateErrors(async () => {
        const bySha256 = new Map(blobs.map((blob) => [blob.sha256, blob]))
        const wanted = [...bySha256.keys()]
        const present = await database.$queryRaw<{ sha256: string }[]>`
          UPDATE blobs SET touched_at = clock_timestamp() WHERE sha256 = ANY(${wanted}::text[]) RETURNING sha256`
        for (const { sha256 } of present) bySha256.delete(sha256)
        const missing = [...bySha256.values()].toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
        if (missing.length === 0) return
        await contents.writeMany(missing)
        await database.$executeRaw`
          INSERT INTO blobs (sha256, bytes)
          SELECT * FROM unnest(${missing.map(({ sha256 }) => sha256)}::text[], ${missing.map(({ bytes }) => bytes.byteLength)}::bigint[])
          ON CONFLICT (sha256) DO UPDATE SET touched_at = clock_timestamp()`
      }),

    async *read(sha256, part) {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of contents.read(sha256, part)) {
        if (part === undefined) hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
      const isWhole =
        part === undefined ? hash.digest('hex') === sha256 : bytes === part.end - part.start
      if (!isWhole) {
        throw new DomainError(
          'internal',
          {},
          { cause: new Error(`blob ${sha256} is damaged or absent`) },
        )
      }
    },

    sweep: () =>
      translateErrors(async () => {
        const swept = await database.$executeRaw`
          DELETE FROM blobs b WHERE touched_at < clock_timestamp() - interval '1 hour'
            AND NOT EXISTS (SELECT 1 FROM datasets d WHERE d.sha256 = b.sha256)
            AND NOT EXISTS (SELECT 1 FROM job_weights w WHERE w.sha256 = b.sha256)
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.split_sha256 = b.sha256)
            AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.sha256 = b.sha256)
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.status NOT IN ('succeeded', 'failed', 'cancelled')
              AND j.resolved_config -> 'initial_weights' ->> 'sha256' = b.sha256)
            AND NOT EXISTS (SELECT 1 FROM batch_predictions p WHERE p.status IN ('queued', 'running', 'cancelling')
              AND b.sha256 IN (p.model_sha256, p.dataset_sha256))`
        await contents.sweep()
        return swept
      }),
  }
}

function openContents(database: Database, { folder, bucketUrl }: BlobPlace): BlobContents {
  if (folder !== undefined && bucketUrl !== undefined) {
    throw new Error('set TRAINYARD_BLOB_DIR or TRAINYARD_S3_URL, not both')
  }
  if (folder !== undefined) return makeBlobFolder(database, folder)
  return bucketUrl === undefined ? makeChunkRows(database) : makeBlobBucket(database, bucketUrl)
}
