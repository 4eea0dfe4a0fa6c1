import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '@trainyard/domain'
import type { BlobContents } from './blobs.ts'
import type { Database } from './client.ts'

const CHUNK_BYTES = 256 * 1024
const UNUSED_MS = 3_600_000

/** The bytes of blobs as files in a folder that all processes share, in subfolders by the first two digits. */
export function makeBlobFolder(database: Database, folder: string): BlobContents {
  const write: BlobContents['write'] = async (sha256, chunks) => {
    const target = join(folder, sha256.slice(0, 2))
    await mkdir(target, { recursive: true })
    const part = join(target, `${randomUUID()}.part`)
    try {
      const file = await open(part, 'wx')
      try {
        for await (const chunk of chunks) await file.writeFile(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(part, join(target, sha256))
      await syncFolder(target)
    } catch (error) {
      await rm(part, { force: true })
      const { code } = error as { code?: string }
      throw code === 'ENOSPC' ? new DomainError('storage_full', {}, { cause: error }) : error
    }
  }

  return {
    write,

    async writeMany(blobs) {
      await Promise.all(blobs.map(({ sha256, bytes }) => write(sha256, [bytes], bytes.byteLength)))
    },

    async *read(sha256, part) {
      const path = join(folder, sha256.slice(0, 2), sha256)
      let file: FileHandle
      try {
        file = await open(path, 'r')
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return
        throw error
      }
      yield* createReadStream(path, {
        fd: file,
        highWaterMark: CHUNK_BYTES,
        ...(part !== undefined && { start: part.start, end: part.end - 1 }),
      })
    },

    async sweep() {
      for (const digits of await list(folder)) {
        const target = join(folder, digits)
        const old = []
        for (const name of await list(target)) if (await isOld(join(target, name))) old.push(name)
        if (old.length === 0) continue
        const known = await database.$queryRaw<{ sha256: string }[]>`
          SELECT sha256 FROM blobs WHERE sha256 = ANY(${old}::text[])`
        const kept = new Set(known.map(({ sha256 }) => sha256))
        for (const name of old) {
          // Asked again: the same bytes may have been put meanwhile.
          if (!kept.has(name) && (await isOld(join(target, name)))) {
            await rm(join(target, name), { force: true })
          }
        }
      }
    },
  }
}

/** A renamed file survives a loss of power only when its folder is written too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Empty when the folder is not there yet. */
async function list(path: string): Promise<string[]> {
  return await readdir(path).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > UNUSED_MS
  } catch (error) {
    // Another sweep was faster.
    if ((error as { code?: string }).code === 'ENOENT') return false
    throw error
  }
}
