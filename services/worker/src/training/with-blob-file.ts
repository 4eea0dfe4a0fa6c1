import { randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type BlobStore, DomainError } from '@trainyard/domain'

/** Runs `use` on a Parquet file with the blob's bytes, which is there as long as that takes. Throws `storage_full` where it has no room. */
export async function withBlobFile<Result>(
  { blobs, folder }: { blobs: Pick<BlobStore, 'read'>; folder: string },
  sha256: string,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const path = join(folder, `${randomUUID()}.parquet`)
  try {
    await mkdir(folder, { recursive: true })
    const file = await open(path, 'w')
    await pipeline(Readable.from(blobs.read(sha256)), file.createWriteStream())
    return await use(path)
  } catch (error) {
    const { code } = error as { code?: string }
    throw code === 'ENOSPC' ? new DomainError('storage_full', {}, { cause: error }) : error
  } finally {
    await rm(path, { force: true })
  }
}
