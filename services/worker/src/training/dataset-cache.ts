import type { Column } from '@trainyard/contracts'
import type { Table, Tables } from '@trainyard/datasets'
import type { BlobStore } from '@trainyard/domain'
import { withBlobFile } from './with-blob-file.ts'

const CACHE_BYTES_MAX = 512 * 1024 * 1024

export interface DatasetCache {
  /** The table in shared memory, read once per content: the threads of all its jobs look at the same bytes. */
  load(dataset: { sha256: string; columns: Column[] }): Promise<Table>
}

export function createDatasetCache({
  blobs,
  tables,
  folder,
  bytesMax = CACHE_BYTES_MAX,
}: {
  blobs: Pick<BlobStore, 'read'>
  tables: Pick<Tables, 'readTable'>
  /** Where a blob is put while it is read; within the folder of `tables`. */
  folder: string
  /** Memory that tables may take between jobs; the newest is kept whatever its size. Default 512 MiB. */
  bytesMax?: number
}): DatasetCache {
  // A Map keeps the order of insertion: the first entry is the one not used for the longest time.
  const entries = new Map<string, { table: Promise<Table>; bytes: number }>()

  return {
    async load(dataset) {
      // Equal bytes can be different data sets: roles decide which columns are read.
      const key = `${dataset.sha256} ${JSON.stringify(dataset.columns.map((c) => [c.name, c.type, c.role]))}`
      const entry = entries.get(key) ?? { table: read(dataset), bytes: 0 }
      entries.delete(key)
      entries.set(key, entry)
      try {
        const table = await entry.table
        entry.bytes = bytesOf(table)
        evict()
        return table
      } catch (error) {
        entries.delete(key)
        throw error
      }
    },
  }

  async function read(dataset: { sha256: string; columns: Column[] }): Promise<Table> {
    return await withBlobFile({ blobs, folder }, dataset.sha256, (path) =>
      tables.readTable(path, dataset.columns),
    )
  }

  function evict(): void {
    let total = [...entries.values()].reduce((sum, entry) => sum + entry.bytes, 0)
    for (const [key, entry] of entries) {
      if (total <= bytesMax || entries.size === 1) return
      entries.delete(key)
      total -= entry.bytes
    }
  }
}

function bytesOf(table: Table): number {
  let bytes = 0
  for (const column of table.columns.values()) {
    bytes += column.type === 'category' ? column.codes.byteLength : column.values.byteLength
  }
  return bytes
}
