/** Data sets as files, fetched from their blobs once and kept until others need the room. Names are content hashes. */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BlobStore } from '@trainyard/domain'

const BYTES_MAX = 2 * 1024 ** 3

interface Entry {
  bytes: number
  users: number
  path: Promise<string>
}

export interface DatasetFiles {
  /** Runs `read` on the file; it is not removed meanwhile. */
  use<Result>(
    blob: { sha256: string; bytes: number },
    read: (path: string) => Promise<Result>,
  ): Promise<Result>
  /** Takes over a file that was just written, and is the content of the blob. */
  adopt(blob: { sha256: string; bytes: number }, path: string): Promise<void>
}

export function createDatasetFiles(deps: {
  folder: string
  blobs: Pick<BlobStore, 'read'>
  bytesMax?: number
}): DatasetFiles {
  const { folder, blobs, bytesMax = BYTES_MAX } = deps
  /** Least recently used first. */
  const entries = new Map<string, Entry>()

  return {
    async use(blob, read) {
      const entry = entries.get(blob.sha256) ?? add(blob, fetchFile(blob.sha256))
      entries.delete(blob.sha256)
      entries.set(blob.sha256, entry)
      entry.users += 1
      try {
        return await read(await entry.path)
      } finally {
        entry.users -= 1
        await makeRoom()
      }
    },
    async adopt(blob, path) {
      if (entries.has(blob.sha256)) return await rm(path, { force: true })
      await add(blob, moveFile(blob.sha256, path)).path
      await makeRoom()
    },
  }

  function add({ sha256, bytes }: { sha256: string; bytes: number }, path: Promise<string>): Entry {
    const entry = { bytes, users: 0, path }
    entries.set(sha256, entry)
    // A failed fetch is not remembered; the caller hears of it through `path`.
    path.catch(() => entries.delete(sha256))
    return entry
  }

  async function fetchFile(sha256: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    const path = pathOf(sha256)
    const part = `${path}.part`
    try {
      const file = await open(part, 'w')
      await pipeline(blobs.read(sha256), file.createWriteStream())
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    return path
  }

  async function moveFile(sha256: string, from: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    await rename(from, pathOf(sha256))
    return pathOf(sha256)
  }

  function pathOf(sha256: string): string {
    return join(folder, `${sha256}.parquet`)
  }

  async function makeRoom(): Promise<void> {
    let held = 0
    for (const { bytes } of entries.values()) held += bytes
    for (const [sha256, entry] of entries) {
      if (held <= bytesMax) return
      if (entry.users > 0) continue
      entries.delete(sha256)
      held -= entry.bytes
      await rm(pathOf(sha256), { force: true })
    }
  }
}
