import { createHash, randomBytes } from 'node:crypto'
import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BlobStore, ByteRange } from '@trainyard/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertDataset, insertJob, insertProject } from '../../../test/support/factories.ts'
import { type S3Server, startS3Server } from '../../../test/support/s3-server.ts'
import { useTestStores } from '../../../test/support/use-stores.ts'
import { createBlobs } from './blobs.ts'
import { openDatabase } from './client.ts'

const stores = useTestStores()
const HOURS_AGO = new Date(Date.now() - 2 * 3_600_000)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-blobs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let s3: S3Server
beforeAll(async () => {
  s3 = await startS3Server()
})
afterAll(() => s3.close())

const fileOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256)

/** Both keep the promises of `BlobStore`; `damage` changes a byte, `age` makes the bytes two hours old. */
interface Kind {
  kind: string
  open: () => BlobStore
  damage: (sha256: string) => PromiseLike<unknown>
  age: (sha256: string) => Promise<void>
  exists: (sha256: string) => Promise<boolean>
}

const KINDS: Kind[] = [
  {
    kind: 'rows in Postgres',
    open: () => stores.blobs,
    damage: (sha256: string) => stores.database.$executeRaw`
      UPDATE blob_chunks SET data = set_byte(data, 7, get_byte(data, 7) # 1) WHERE sha256 = ${sha256}`,
    age: async () => undefined,
    exists: async (sha256: string) =>
      (await stores.database.blobChunk.count({ where: { sha256 } })) > 0,
  },
  {
    kind: 'files in a folder',
    open: () => createBlobs(stores.database, { folder }),
    damage: (sha256: string) => flipBytes(fileOf(sha256)),
    age: (sha256: string) => utimes(fileOf(sha256), HOURS_AGO, HOURS_AGO),
    exists: async (sha256: string) =>
      (await readdir(join(folder, sha256.slice(0, 2))).catch((): string[] => [])).includes(sha256),
  },
  {
    kind: 'objects in a bucket',
    open: () => createBlobs(stores.database, { bucketUrl: s3.url('/a/prefix') }),
    damage: (sha256: string) => flipBytes(s3.fileOf(`a/prefix/${sha256}`)),
    age: (sha256: string) => utimes(s3.fileOf(`a/prefix/${sha256}`), HOURS_AGO, HOURS_AGO),
    exists: (sha256: string) =>
      stat(s3.fileOf(`a/prefix/${sha256}`)).then(
        () => true,
        () => false,
      ),
  },
]

const flipBytes = async (path: string) => {
  const file = await open(path, 'r+')
  await file.write(randomBytes(16), 0, 16, 7)
  await file.close()
}

describe.each(KINDS)('blobs as $kind', ({ open: openBlobs, damage, age, exists }) => {
  it('gives back the bytes that were put, whatever the pieces they came in', async () => {
    const bytes = randomBytes(700_001)

    const sha256 = await put(openBlobs(), bytes, [1, 262_144, 300_000])

    expect(await read(openBlobs(), sha256)).toEqual(bytes)
  })

  it('gives back many that were put at once, those that came twice or were there before too', async () => {
    const contents = [1, 70_000, 300_001, 12].map((bytes) => randomBytes(bytes))
    const [known = Buffer.of()] = contents
    await put(openBlobs(), known)

    await openBlobs().putMany([...contents, ...contents].map(toBlob))

    for (const bytes of contents) {
      expect(await read(openBlobs(), toBlob(bytes).sha256)).toEqual(bytes)
    }
  })

  it('gives back any part, and no part that is not there', async () => {
    const bytes = randomBytes(700_001)
    const sha256 = await put(openBlobs(), bytes)

    for (const [start, end] of [
      [0, 1],
      [262_143, 262_145],
      [262_144, 524_288],
      [300_000, 700_001],
    ] as const) {
      expect(await read(openBlobs(), sha256, { start, end })).toEqual(bytes.subarray(start, end))
    }
    const part = { start: 700_000, end: 700_002 }
    await expect(read(openBlobs(), sha256, part)).rejects.toMatchObject({ code: 'internal' })
    await expect(read(openBlobs(), '0'.repeat(64), part)).rejects.toMatchObject({
      code: 'internal',
    })
  })

  it('stores equal content once, and does not read it again', async () => {
    const bytes = randomBytes(1000)
    const sha256 = await put(openBlobs(), bytes)
    const unread = (function* (): Generator<Uint8Array> {
      yield Buffer.from('never asked for')
    })()

    await openBlobs().put({ sha256, bytes: 1000 }, unread)

    expect(await read(openBlobs(), sha256)).toEqual(bytes)
    expect(unread.next().done).toBe(false)
  })

  it('refuses to give out bytes that were changed, or are not there', async () => {
    const sha256 = await put(openBlobs(), randomBytes(1000))

    await damage(sha256)

    await expect(read(openBlobs(), sha256)).rejects.toMatchObject({ code: 'internal' })
    await expect(read(openBlobs(), '0'.repeat(64))).rejects.toMatchObject({ code: 'internal' })
  })

  it('has no blob when the bytes break off, and takes it the next time', async () => {
    const bytes = randomBytes(1000)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const broken = (function* () {
      yield bytes.subarray(0, 500)
      throw new Error('broken off')
    })()

    await expect(openBlobs().put({ sha256, bytes: 1000 }, broken)).rejects.toThrow('broken off')
    expect(await stores.database.blob.count({ where: { sha256 } })).toBe(0)

    await put(openBlobs(), bytes)
    expect(await read(openBlobs(), sha256)).toEqual(bytes)
  })

  it('sweeps what nothing refers to after an hour, and nothing else', async () => {
    const blobs = openBlobs()
    const unused = await put(blobs, randomBytes(10))
    const fresh = await put(blobs, randomBytes(10))
    const projectId = await insertProject(stores)
    const dataset = await insertDataset(stores, projectId)
    const split = await put(blobs, randomBytes(10))
    const { id } = await insertJob(stores, projectId, dataset.id)
    await stores.database.job.update({ where: { id }, data: { splitSha256: split } })
    const used = [dataset.sha256, split]
    await Promise.all(
      [unused, ...used].map(
        (sha256) => stores.database.$executeRaw`
      UPDATE blobs SET touched_at = now() - interval '2 hours' WHERE sha256 = ${sha256}`,
      ),
    )
    await stores.database.$executeRaw`
      UPDATE blob_chunks SET created_at = now() - interval '2 hours' WHERE sha256 = ${unused}`
    await age(unused)

    await blobs.sweep()

    const left = await stores.database.blob.findMany({
      where: { sha256: { in: [unused, fresh, ...used] } },
    })
    expect(left.map((blob) => blob.sha256).sort()).toEqual([fresh, ...used].sort())
    expect([await exists(unused), await exists(fresh)]).toEqual([false, true])
  })
})

it('sweeps what a killed process left in the folder', async () => {
  const sha256 = await put(createBlobs(stores.database, { folder }), randomBytes(10))
  const part = `${fileOf(sha256)}.part`
  await writeFile(part, 'half')
  await utimes(part, HOURS_AGO, HOURS_AGO)
  await utimes(fileOf(sha256), HOURS_AGO, HOURS_AGO)

  await createBlobs(stores.database, { folder }).sweep()

  expect(await readdir(join(folder, sha256.slice(0, 2)))).toContain(sha256)
  expect(await readdir(join(folder, sha256.slice(0, 2)))).not.toContain(`${sha256}.part`)
})

describe('a bucket', () => {
  const openBucket = (path = '') => createBlobs(stores.database, { bucketUrl: s3.url(path) })

  /** As the server would have stored it two hours ago. */
  const copyObject = async (from: string, to: string) => {
    await mkdir(dirname(s3.fileOf(to)), { recursive: true })
    for (const kind of ['object', 'metadata.json', 'object.md5']) {
      const path = s3.fileOf(from).replace(/object$/, kind)
      await copyFile(path, s3.fileOf(to).replace(/object$/, kind))
    }
    await utimes(s3.fileOf(to), HOURS_AGO, HOURS_AGO)
  }

  it('is swept page after page, and of nothing that is not a blob of ours', async () => {
    const first = await put(openBucket('/many'), randomBytes(10))
    const names = Array.from({ length: 1100 }, () => randomBytes(32).toString('hex')).sort()
    const foreign = ['many/readme.txt', `other/${names.at(-1)}`]
    for (const key of [...names.map((name) => `many/${name}`), ...foreign]) {
      await copyObject(`many/${first}`, key)
    }
    // The second page has what no blob is left of.
    const unknown = names.slice(-3)
    await stores.database.blob.createMany({
      data: names.slice(0, -3).map((sha256) => ({ sha256, bytes: 10 })),
    })

    await openBucket('/many').sweep()

    const left = await readdir(dirname(s3.fileOf('many/x')))
    expect(left.filter((name) => name.endsWith('_object')).length).toBe(1100 - 3 + 2)
    for (const name of unknown) expect(left).not.toContain(`${name}._S3rver_object`)
    expect((await stat(s3.fileOf(`other/${unknown[2]}`))).isFile()).toBe(true)
  })

  it('that cannot be reached, refuses the key or is not there is unavailable, and nothing is stored', async () => {
    const gone = new URL(s3.url())
    gone.port = '9'
    const stranger = new URL(s3.url())
    stranger.password = 'wrong'
    const missing = new URL(s3.url())
    missing.pathname = '/no-such-bucket'
    const bytes = randomBytes(1000)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const blobsAt = ({ href }: URL) => createBlobs(stores.database, { bucketUrl: href })

    // What the operator can mend is waited for; why stands in the log.
    const errors = await Promise.all(
      [gone, stranger, missing].map((url) => put(blobsAt(url), bytes).catch((error) => error)),
    )
    const [, refused, absent] = errors.map(({ cause }) => cause.message)
    expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'unavailable'))
    expect(refused).toMatch(/^the bucket answers 403/)
    expect(absent).toMatch(/^the bucket answers 404/)
    for (const url of [gone, stranger]) {
      await expect(read(blobsAt(url), sha256)).rejects.toMatchObject({ code: 'unavailable' })
    }
    expect(await stores.database.blob.count({ where: { sha256 } })).toBe(0)
  })

  it('is refused when its URL names no bucket or no key, or when there is a folder as well', () => {
    const bucketUrl = 'https://s3.example.com/bucket'

    expect(() => createBlobs(stores.database, { bucketUrl })).toThrow('must look like')
    expect(() => createBlobs(stores.database, { bucketUrl: 'https://k:s@s3.example.com' })).toThrow(
      'must look like',
    )
    expect(() => createBlobs(stores.database, { bucketUrl, folder })).toThrow('not both')
  })
})

it('says that Postgres is away, of bytes as of rows', async () => {
  const away = openDatabase({
    connectionString: 'postgres://nobody@127.0.0.1:1/nothing',
    applicationName: 'trainyard-test',
    connectionsMax: 1,
    onError: () => undefined,
  })

  await expect(read(createBlobs(away), 'a'.repeat(64))).rejects.toMatchObject({
    code: 'unavailable',
  })
  await expect(put(createBlobs(away), randomBytes(10))).rejects.toMatchObject({
    code: 'unavailable',
  })
  await away.$disconnect()
})

async function put(blobs: BlobStore, bytes: Buffer, cuts: number[] = []): Promise<string> {
  const { sha256 } = toBlob(bytes)
  const edges = [0, ...cuts, bytes.length]
  const pieces = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
  await blobs.put({ sha256, bytes: bytes.length }, pieces)
  return sha256
}

function toBlob(bytes: Buffer): { sha256: string; bytes: Buffer } {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes }
}

async function read(blobs: BlobStore, sha256: string, part?: ByteRange): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of blobs.read(sha256, part)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
