import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '@trainyard/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeXorRows, openTestWorker, type TestWorker } from '../worker-deps.fixture.ts'
import { createDatasetCache } from './dataset-cache.ts'

/** Three columns of float64. */
const BYTES_PER_ROW = 24

let worker: TestWorker

beforeAll(async () => {
  worker = await openTestWorker()
})

afterAll(() => worker.stop())

it('gives the cells of the data set, in memory that threads share', async () => {
  const dataset = await worker.insertDataset(makeXorRows(8))

  const table = await openCache().load(dataset)

  const y = table.columns.get('y')
  if (y?.type !== 'number') throw new Error('the target is a number')
  expect(table.rows).toBe(8)
  expect([...y.values]).toEqual([0, 1, 1, 0, 0, 1, 1, 0])
  expect(y.values.buffer).toBeInstanceOf(SharedArrayBuffer)
})

it('reads a data set once for loads at the same time and for later ones', async () => {
  const dataset = await worker.insertDataset(makeXorRows(12))
  const cache = openCache()

  const first = await Promise.all([cache.load(dataset), cache.load(dataset), cache.load(dataset)])
  const later = await cache.load(dataset)

  expect(cache.reads).toEqual([dataset.sha256])
  expect(new Set([...first, later]).size).toBe(1)
})

it('keeps equal bytes apart when their columns have other roles', async () => {
  const dataset = await worker.insertDataset(makeXorRows(16))
  const other: Dataset = {
    ...dataset,
    columns: dataset.columns.map((column) =>
      column.name === 'b' ? { ...column, role: 'ignored' } : column,
    ),
  }
  const cache = openCache()

  const [whole, part] = await Promise.all([cache.load(dataset), cache.load(other)])

  expect([...whole.columns.keys()]).toEqual(['a', 'b', 'y'])
  expect([...part.columns.keys()]).toEqual(['a', 'y'])
})

it('drops what was not used for the longest time when the bytes are more than it may keep', async () => {
  const [a, b, c] = await insertDatasets(100, 104, 108)
  const cache = openCache((100 + 104 + 10) * BYTES_PER_ROW)
  await cache.load(a)
  await cache.load(b)
  await cache.load(a)

  await cache.load(c)

  cache.reads.length = 0
  await cache.load(a)
  await cache.load(c)
  await cache.load(b)
  expect(cache.reads).toEqual([b.sha256])
})

it('keeps the newest whatever its size', async () => {
  const [big] = await insertDatasets(200, 204, 208)
  const cache = openCache(1)

  await cache.load(big)
  await cache.load(big)

  expect(cache.reads).toHaveLength(1)
})

it('reads again after a failed load', async () => {
  const dataset = await worker.insertDataset(makeXorRows(20))
  const cache = openCache()
  const elsewhere = 'f'.repeat(64)
  await moveChunks(dataset.sha256, elsewhere)

  const failed = await Promise.allSettled([cache.load(dataset), cache.load(dataset)])
  await moveChunks(elsewhere, dataset.sha256)
  const table = await cache.load(dataset)

  expect(failed.map((result) => result.status)).toEqual(['rejected', 'rejected'])
  expect(table.rows).toBe(20)
})

it('refuses bytes that are not those of the data set', async () => {
  const dataset = await worker.insertDataset(makeXorRows(24))
  await worker.stores.database.$executeRaw`
    UPDATE blob_chunks SET data = set_byte(data, 40, get_byte(data, 40) # 1) WHERE sha256 = ${dataset.sha256}`

  await expect(openCache().load(dataset)).rejects.toMatchObject({ code: 'internal' })
})

it('leaves no file behind, whether a load succeeds or fails', async () => {
  const dataset = await worker.insertDataset(makeXorRows(28))
  const cache = openCache()

  await cache.load(dataset)
  await cache.load({ ...dataset, sha256: '0'.repeat(64) }).catch(() => undefined)

  expect(await readdir(cache.folder)).toEqual([])
})

/** A cache of its own that says which blobs it read. */
function openCache(bytesMax?: number) {
  const reads: string[] = []
  const folder = join(worker.folder, 'cache')
  const cache = createDatasetCache({
    blobs: {
      read(sha256) {
        reads.push(sha256)
        return worker.stores.blobs.read(sha256)
      },
    },
    tables: worker.tables,
    folder,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  })
  return { ...cache, reads, folder }
}

/** The bytes of a blob under another name: it is absent until they are back. */
async function moveChunks(from: string, to: string): Promise<void> {
  await worker.stores.database
    .$executeRaw`UPDATE blob_chunks SET sha256 = ${to} WHERE sha256 = ${from}`
}

async function insertDatasets(...rows: [number, number, number]) {
  const datasets = []
  for (const count of rows) datasets.push(await worker.insertDataset(makeXorRows(count)))
  return datasets as [Dataset, Dataset, Dataset]
}
