import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { createGzip, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readBody } from './read-body.ts'
import { receiveUpload } from './receive-upload.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-upload-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const target = () => join(folder, 'upload.csv')

it('hashes what it writes', async () => {
  const upload = await receiveUpload(
    Readable.from([Buffer.from('a,b\n'), Buffer.from('1,2\n')]),
    target(),
  )

  expect(upload).toEqual({
    path: target(),
    bytes: 8,
    sha256: createHash('sha256').update('a,b\n1,2\n').digest('hex'),
  })
  expect(await readFile(target(), 'utf8')).toBe('a,b\n1,2\n')
  await rm(target())
})

it('stops at the first byte too many, whatever was announced, and leaves nothing', async () => {
  const endless = () =>
    Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1000)
      })(),
    )

  // Many times: a file once came to be after its removal, in one of a hundred.
  for (let round = 0; round < 200; round++) {
    await expect(receiveUpload(endless(), target(), { bytesMax: 5000 })).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    expect(await readdir(folder)).toEqual([])
  }
})

it('gives up a body that stands still', async () => {
  const silent = new PassThrough()
  silent.write('a,b\n')

  await expect(receiveUpload(readBody(silent, 20), target())).rejects.toMatchObject({
    code: 'request_timeout',
  })
  expect(await readdir(folder)).toEqual([])
})

it.each([
  ['too long', Buffer.alloc(100_000), 'payload_too_large'],
  [
    'damaged',
    Buffer.concat([gzipSync('a,y').subarray(0, 10), Buffer.alloc(40_000, 0xff)]),
    'invalid_data',
  ],
])('leaves what follows of a body that is %s to whoever answers', async (_, start, code) => {
  const body = new PassThrough()
  body.write(start)

  await expect(receiveUpload(readBody(body), target(), { bytesMax: 50_000 })).rejects.toMatchObject(
    { code },
  )
  body.end('the end')
  const rest: string[] = []
  for await (const chunk of body) rest.push(String(chunk))

  expect(rest.join('')).toMatch(/the end$/)
})

it('takes a broken connection for the fault of the caller', async () => {
  const broken = new PassThrough()
  setImmediate(() => broken.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })))

  await expect(receiveUpload(readBody(broken), target())).rejects.toMatchObject({
    code: 'invalid_request',
  })
})

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('unpacks %s as it comes, however the pieces fall, and hashes what was sent', async (_, pack) => {
  const packed = pack('a,b\n1,2\n'.repeat(1000))

  const upload = await receiveUpload(
    Readable.from([packed.subarray(0, 1), packed.subarray(1, 3), packed.subarray(3)]),
    target(),
  )

  expect(upload).toMatchObject({
    bytes: 8000,
    sha256: createHash('sha256').update(packed).digest('hex'),
  })
  expect((await readFile(target(), 'utf8')).slice(0, 8)).toBe('a,b\n1,2\n')
  await rm(target())
})

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('refuses %s that is cut short or damaged, and leaves nothing', async (_, pack) => {
  const packed = pack(Buffer.from('a,b\n1,2\n'.repeat(1000)))
  const damaged = Buffer.from(packed)
  damaged.fill(0xff, 12)

  for (const bytes of [packed.subarray(0, -3), damaged]) {
    await expect(receiveUpload(Readable.from([bytes]), target())).rejects.toMatchObject({
      code: 'invalid_data',
    })
    expect(await readdir(folder)).toEqual([])
  }
})

it('stops a bomb at the limit of unpacked bytes, long before it has come to its end', async () => {
  const zeros = Readable.from(
    (function* () {
      for (let i = 0; i < 1000; i++) yield Buffer.alloc(1024 * 1024)
    })(),
  )
  const bomb = zeros.pipe(createGzip())
  let sent = 0
  bomb.on('data', (chunk: Buffer) => {
    sent += chunk.length
  })

  await expect(receiveUpload(bomb, target(), { bytesMax: 8_000_000 })).rejects.toMatchObject({
    code: 'payload_too_large',
  })

  expect(sent).toBeLessThan(200_000)
  expect(await readdir(folder)).toEqual([])
})
