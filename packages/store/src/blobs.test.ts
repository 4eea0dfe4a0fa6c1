import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { insertDataset, insertProject } from '../../../test/support/factories.ts'
import { useTestStores } from '../../../test/support/use-stores.ts'

const stores = useTestStores()

it('gives back the bytes that were put, whatever the pieces they came in', async () => {
  const bytes = randomBytes(700_001)

  const sha256 = await put(bytes, [1, 262_144, 300_000])

  expect(await read(sha256)).toEqual(bytes)
})

it('stores equal content once', async () => {
  const bytes = randomBytes(1000)

  const first = await put(bytes)
  const second = await put(bytes)

  expect(second).toBe(first)
  expect(await stores.database.blobChunk.count({ where: { sha256: first } })).toBe(1)
})

it('refuses to give out bytes that were changed in the database', async () => {
  const sha256 = await put(randomBytes(1000))

  await stores.database.$executeRaw`
    UPDATE blob_chunks SET data = set_byte(data, 7, get_byte(data, 7) # 1) WHERE sha256 = ${sha256}`

  await expect(read(sha256)).rejects.toMatchObject({ code: 'internal' })
})

it('sweeps what nothing refers to after an hour, and nothing else', async () => {
  const unused = await put(randomBytes(10))
  const fresh = await put(randomBytes(10))
  const projectId = await insertProject(stores)
  const used = (await insertDataset(stores, projectId)).sha256
  await stores.database.$executeRaw`
    UPDATE blobs SET touched_at = now() - interval '2 hours' WHERE sha256 IN (${unused}, ${used})`

  await stores.blobs.sweep()

  const left = await stores.database.blob.findMany({
    where: { sha256: { in: [unused, fresh, used] } },
  })
  expect(left.map((blob) => blob.sha256).sort()).toEqual([fresh, used].sort())
})

async function put(bytes: Buffer, cuts: number[] = []): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const edges = [0, ...cuts, bytes.length]
  const pieces = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
  await stores.blobs.put({ sha256, bytes: bytes.length }, pieces)
  return sha256
}

async function read(sha256: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stores.blobs.read(sha256)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
