/** Uploads that want to exhaust the service: what is sent, and the answer each must get. Sizes are of the caller's choice. */

import { request } from 'node:http'
import { Readable } from 'node:stream'
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'

export interface HostileUpload {
  name: string
  type: string
  headers?: Record<string, string>
  body: () => Iterable<string | Uint8Array>
  /** The client goes away after its last byte instead of ending the body. */
  isCut?: boolean
  status: number
  /** In the problem document. */
  says: RegExp
}

export interface UploadSizes {
  /** Of a file that is refused for what is in it. */
  fileBytes: number
  /** Of what a packed file becomes; beyond 1 GiB it is refused for that. */
  unpackedBytes: number
}

const MIB = 1024 * 1024
const BOUNDARY = 'b'
/** A mebibyte of good rows of three columns. */
const ROWS = `1.5,${'p'.repeat(59)},q\n2.5,${'r'.repeat(59)},s\n`.repeat(MIB / 132)

export function hostileUploads({ fileBytes, unpackedBytes }: UploadSizes): HostileUpload[] {
  const pieces = Math.ceil(fileBytes / MIB)
  const csv = (name: string, body: HostileUpload['body'], says: RegExp, status = 422) => {
    return { name, type: 'text/csv', body, status, says }
  }
  const packed = (name: string, pack: (bytes: Uint8Array) => Uint8Array): HostileUpload => ({
    name: `${name} that unpacks to ${Math.round(unpackedBytes / 1e6)} MB`,
    type: 'application/octet-stream',
    // Both formats allow members one after the other; one of a few kilobytes becomes 16 MiB.
    body: () => repeat(pack(Buffer.alloc(16 * MIB)), Math.ceil(unpackedBytes / (16 * MIB))),
    ...(unpackedBytes > 1024 * MIB
      ? { status: 413, says: /1073741824 bytes at most, unpacked too/ }
      : { status: 422, says: /NUL byte|UTF-16|4 MiB/ }),
  })
  return [
    packed('a gzip file', (bytes) => gzipSync(bytes)),
    packed('a zstd file', (bytes) => zstdCompressSync(bytes)),
    {
      name: 'a zstd file that asks for a window of 2 GiB',
      type: 'application/zstd',
      // One raw block of eight bytes, the window as large as its descriptor can say.
      body: () => [Buffer.from('28b52ffd00a8410000', 'hex'), 'a,y\n1,p\n'],
      status: 422,
      says: /asks for too much memory/,
    },
    {
      name: 'an archive whose array claims 8 GB',
      type: 'application/x-npz',
      body: () => [zipOf('x.npy', npyHeader('(1000000000, 1)'))],
      status: 422,
      says: /./,
    },
    csv(
      'a million columns',
      () => [Array.from({ length: 1_000_000 }, (_, i) => `c${i}`).join()],
      /more than 16384 columns/,
    ),
    csv('a line that does not end', () => ['a,y\n', ...repeat('x'.repeat(MIB), pieces)], /4 MiB/),
    csv(
      'a first line that does not end',
      () => repeat('x'.repeat(MIB), pieces),
      /first line is longer than 4 MiB/,
    ),
    csv(
      'a quote that is never closed',
      () => ['a,y\n1,"', ...repeat('p\n2,'.repeat(MIB / 4), pieces)],
      /quote in it is never closed/,
    ),
    csv(
      'a quote that is never closed, in the first line',
      () => ['"', ...repeat('a,y\n'.repeat(MIB / 4), pieces)],
      /quote in it is never closed/,
    ),
    csv('nothing but NUL', () => repeat(Buffer.alloc(MIB), pieces), /NUL byte|UTF-16|4 MiB/),
    csv(
      'nothing but quotes',
      () => repeat('"'.repeat(MIB), pieces),
      /4 MiB|never closed|one column/,
    ),
    csv(
      'nothing but separators',
      () => repeat(','.repeat(MIB), pieces),
      /4 MiB|more than 16384 columns/,
    ),
    csv('nothing but line ends', () => repeat('\n'.repeat(MIB), pieces), /blank lines|4 MiB/),
    csv(
      'rows of two lengths at the end of a long file',
      () => ['a,b,y\n', ...repeat(ROWS, pieces), '5,6\n'],
      /has 2 cells, the first line has 3/,
    ),
    csv(
      'a number that is none at the end of a long file',
      () => ['a,b,y\n', ...repeat(ROWS, pieces), 'NaN,6,p\n'],
      /is not a finite number/,
    ),
    csv(
      'UTF-16',
      () => [
        Buffer.from('\ufeffa,y\n', 'utf16le'),
        ...repeat(Buffer.from('1,p\n'.repeat(MIB / 8), 'utf16le'), pieces),
      ],
      /UTF-16/,
    ),
    csv('a column name of a megabyte', () => [`${'n'.repeat(MIB)},y\n1,p\n`], /1048576 characters/),
    {
      ...csv('a gzip Content-Encoding', () => [gzipSync('a,y\n1,p\n')], /Content-Encoding/, 415),
      headers: { 'content-encoding': 'gzip' },
    },
    {
      ...csv('an announced length of 2 GiB', () => ['a,y\n'], /at most/, 413),
      headers: { 'content-length': String(2048 * MIB) },
    },
    {
      ...csv('a header field of a megabyte', () => [], /./, 431),
      headers: { 'x-long': 'x'.repeat(MIB) },
    },
    form('a hundred thousand parts', () => parts('field', 100_000), /is no file called/, 422),
    form('a part twice, of a hundred thousand', () => parts('file', 100_000), /comes twice/, 422),
    form(
      'a part with a header of a megabyte',
      () => [`--${BOUNDARY}\r\nX-Long: ${'x'.repeat(MIB)}\r\n\r\n`],
      /multipart/,
      400,
    ),
    form(
      'a form without a boundary in it',
      () => repeat('x'.repeat(MIB), pieces),
      /multipart/,
      400,
    ),
    {
      ...csv(
        'a body that is cut',
        () => ['a,y\n', ...repeat('1,p\n'.repeat(MIB / 4), pieces)],
        /./,
        0,
      ),
      isCut: true,
    },
    {
      ...form('a form that is cut', () => [...parts('file', 1), 'x'.repeat(MIB)], /./, 0),
      isCut: true,
    },
  ]
}

function form(
  name: string,
  body: HostileUpload['body'],
  says: RegExp,
  status: number,
): HostileUpload {
  return { name, type: `multipart/form-data; boundary=${BOUNDARY}`, body, status, says }
}

export interface HostileReply {
  /** 0 when there was no answer. */
  status: number
  text: string
}

/** Sends in spite of all; an answer that comes before the body is through is the answer. */
export async function sendUpload(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  { type, headers = {}, body, isCut = false }: HostileUpload,
): Promise<HostileReply> {
  const sent = request(`${baseUrl}/v1/datasets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': type, ...headers },
  })
  const { promise, resolve, reject } = Promise.withResolvers<HostileReply>()
  let isAnswered = false
  sent.on('error', (error) => {
    if (isCut) resolve({ status: 0, text: '' })
    // A server that has answered may close while the rest is on its way.
    else if (!isAnswered) reject(error)
  })
  sent.on('response', async (response) => {
    isAnswered = true
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    resolve({ status: response.statusCode ?? 0, text })
  })
  const source = Readable.from(body())
  source.pipe(sent, { end: !isCut })
  if (isCut) source.once('end', () => sent.destroy())
  return await promise.finally(() => {
    source.destroy()
    sent.destroy()
  })
}

function* repeat(piece: string | Uint8Array, times: number): Generator<string | Uint8Array> {
  for (let i = 0; i < times; i++) yield piece
}

/** A thousand at a time. */
function* parts(name: string, count: number): Generator<string> {
  const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\na,y\r\n`
  for (let left = count; left > 0; left -= 1000) yield part.repeat(Math.min(1000, left))
}

function npyHeader(shape: string): Buffer {
  const dictionary = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)
  const header = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.alloc(2)])
  header.writeUInt16LE(118, 8)
  return Buffer.concat([header, Buffer.from(`${dictionary}\n`)])
}

/** One deflated member whose sizes are as large as the format can say. */
function zipOf(name: string, bytes: Uint8Array): Buffer {
  const data = deflateRawSync(bytes)
  const sizes = Buffer.alloc(12)
  sizes.writeUInt32LE(data.length, 4)
  sizes.writeUInt32LE(0xffff_fffe, 8)
  const common = Buffer.concat([
    Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]),
    sizes,
    Buffer.from([name.length, 0, 0, 0]),
  ])
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data])
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}
