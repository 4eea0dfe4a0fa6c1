import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { fileBytes } from './file-bytes.fixture.ts'
import { writeNpz } from './npz.ts'
import { storedZip } from './stored-zip.ts'

const MODEL = {
  networks: [
    {
      architecture: {
        inputs: 2,
        hidden: [],
        outputs: 1,
        output_activation: 'linear' as const,
        task: 'regression' as const,
        classes: null,
        target: 'größe 𝑥',
      },
      preprocessing: null,
      layers: [{ weight: Float32Array.of(1, -2), bias: Float32Array.of(0.5) }],
    },
  ],
  facts: { job_id: 'job_1' },
}

it('is an archive of .npy files, each with its shape, and the rest as one text', () => {
  const entries = unzip(fileBytes(writeNpz(MODEL)))

  expect([...entries.keys()]).toEqual(['layers.0.weight.npy', 'layers.0.bias.npy', 'metadata.npy'])
  const weight = readNpy(entries.get('layers.0.weight.npy'))
  expect(weight.header).toContain("'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)")
  expect([weight.data.readFloatLE(0), weight.data.readFloatLE(4)]).toEqual([1, -2])
  expect(readNpy(entries.get('layers.0.bias.npy')).header).toContain("'shape': (1,)")
  const metadata = readNpy(entries.get('metadata.npy'))
  const points = new Uint32Array(Uint8Array.from(metadata.data).buffer)
  const text = String.fromCodePoint(...points)
  expect(metadata.header).toContain(`'descr': '<U${points.length}'`)
  expect(JSON.parse(text)).toMatchObject({ format: 'trainyard/1', job_id: 'job_1' })
  expect(JSON.parse(JSON.parse(text).architecture)).toEqual(MODEL.networks[0]?.architecture)
})

it('gives the same bytes each time', () => {
  const file = writeNpz(MODEL)

  expect(fileBytes(file).equals(fileBytes(file))).toBe(true)
  expect(fileBytes(file).equals(fileBytes(writeNpz(MODEL)))).toBe(true)
})

it('counts bytes of texts and not characters, in names and in content', () => {
  const entries = unzip(fileBytes({ chunks: storedZip([{ name: 'ä.md', chunks: ['é', 'x'] }]) }))

  expect(entries.get('ä.md')?.toString()).toBe('éx')
})

/** By the directory at the end; lengths and checksums must agree with the local headers and with the content. */
function unzip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.length - 22
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50)
  const entries = new Map<string, Buffer>()
  let at = bytes.readUInt32LE(end + 16)
  for (let i = 0; i < bytes.readUInt16LE(end + 10); i++) {
    expect(bytes.readUInt32LE(at)).toBe(0x02014b50)
    const [crc, size] = [bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 24)]
    const nameLength = bytes.readUInt16LE(at + 28)
    const offset = bytes.readUInt32LE(at + 42)
    const name = bytes.subarray(at + 46, at + 46 + nameLength).toString()
    expect(bytes.readUInt32LE(offset)).toBe(0x04034b50)
    expect([bytes.readUInt32LE(offset + 14), bytes.readUInt32LE(offset + 22)]).toEqual([crc, size])
    const start = offset + 30 + bytes.readUInt16LE(offset + 26)
    const content = bytes.subarray(start, start + size)
    expect(crc32(content)).toBe(crc)
    entries.set(name, content)
    at += 46 + nameLength
  }
  expect(at).toBe(end)
  return entries
}

function readNpy(bytes: Buffer = Buffer.alloc(0)): { header: string; data: Buffer } {
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
  const start = 10 + bytes.readUInt16LE(8)
  expect(start % 64).toBe(0)
  return { header: bytes.subarray(10, start).toString(), data: bytes.subarray(start) }
}
