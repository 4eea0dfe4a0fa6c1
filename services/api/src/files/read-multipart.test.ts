import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { boundaryOf, readMultipart } from './read-multipart.ts'

const BODY = [
  'preamble\r\n--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n',
  'a,b\r\n--xy\r\n--not it\r\n',
  '\r\n--xyz\r\ncontent-disposition: form-data; name="labels"\r\n\r\n',
  '\r\n--xyz--\r\n',
].join('')

async function parts(chunks: Iterable<Buffer>, boundary = 'xyz') {
  const found: { name: string; fileName: string | null; text: string }[] = []
  for await (const { name, fileName, body } of readMultipart(Readable.from(chunks), boundary)) {
    const pieces: Buffer[] = []
    for await (const piece of body) pieces.push(piece)
    found.push({ name, fileName, text: Buffer.concat(pieces).toString() })
  }
  return found
}

it.each([1, 2, 3, 7, 64, 10_000])('finds the same parts in pieces of %i bytes', async (size) => {
  const bytes = Buffer.from(BODY)
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )

  expect(await parts(chunks)).toEqual([
    { name: 'file', fileName: 'a.csv', text: 'a,b\r\n--xy\r\n--not it\r\n' },
    { name: 'labels', fileName: null, text: '' },
  ])
})

it('skips what a reader left of a part', async () => {
  const names: string[] = []
  for await (const { name } of readMultipart(Readable.from([Buffer.from(BODY)]), 'xyz'))
    names.push(name)

  expect(names).toEqual(['file', 'labels'])
})

it.each([
  ['no boundary at all', `${'x'.repeat(5000)}`, 'does not begin with its boundary'],
  ['an end that is missing', BODY.slice(0, -8), 'ends before its last boundary'],
  [
    'a part without a name',
    '--xyz\r\nContent-Type: text/csv\r\n\r\nx\r\n--xyz--',
    'has a part without a name',
  ],
  ['headers without an end', `--xyz\r\n${'h'.repeat(20_000)}`, 'has a part without a body'],
  ['text after a boundary', '--xyzz\r\n', 'has a boundary that is not at the end of a line'],
])('refuses a body with %s', async (_, body, detail) => {
  await expect(parts([Buffer.from(body)])).rejects.toMatchObject({
    code: 'invalid_request',
    details: { detail: `The multipart body ${detail}.` },
  })
})

it('takes the boundary from the media type, quoted or not', () => {
  expect(boundaryOf('multipart/form-data; boundary="a b"')).toBe('a b')
  expect(boundaryOf('multipart/form-data; charset=x; boundary=--abc; x=y')).toBe('--abc')
  expect(() => boundaryOf('multipart/form-data')).toThrow()
})
