/** Writes .npy files of version 1.0 as NumPy does, and archives of them without compression, for tests. */
import { crc32 } from 'node:zlib'

export type NpyArray =
  | { descr: '<f8'; values: readonly number[]; shape: readonly number[] }
  | { descr: 'U'; values: readonly string[]; shape: readonly number[] }

export function writeNpy({ descr, values, shape }: NpyArray): Buffer {
  if (descr === '<f8') return concat('<f8', shape, Buffer.from(Float64Array.from(values).buffer))
  const points = values.map((text) =>
    Array.from(text, (character) => character.codePointAt(0) ?? 0),
  )
  const width = Math.max(1, ...points.map(({ length }) => length))
  const cells = points.flatMap((text) => [...text, ...Array<number>(width - text.length).fill(0)])
  return concat(`<U${width}`, shape, Buffer.from(Uint32Array.from(cells).buffer))
}

/** Entries are stored, with the 64-bit sizes that `numpy.savez` writes into each local header. */
export function writeNpz(arrays: readonly (readonly [name: string, npy: Buffer])[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [array, bytes] of arrays) {
    const name = Buffer.from(`${array}.npy`)
    const sums = [crc32(bytes), bytes.length, bytes.length]
    const extra = Buffer.alloc(20)
    extra.writeUInt16LE(1, 0)
    extra.writeUInt16LE(16, 2)
    extra.writeBigUInt64LE(BigInt(bytes.length), 4)
    extra.writeBigUInt64LE(BigInt(bytes.length), 12)
    const wide = [sums[0] ?? 0, 0xffffffff, 0xffffffff]
    const local = pack(
      ['I', 0x04034b50],
      ['H', 45, 0x800, 0, 0, 0x21],
      ['I', ...wide],
      ['H', name.length, extra.length],
    )
    const whole = Buffer.concat([local, name, extra, bytes])
    locals.push(whole)
    directory.push(
      pack(['I', 0x02014b50], ['H', 45, 45, 0x800, 0, 0, 0x21], ['I', ...sums]),
      pack(['H', name.length, 0, 0, 0, 0], ['I', 0, offset]),
      name,
    )
    offset += whole.length
  }
  const entries = Buffer.concat(directory)
  const count = locals.length
  const end = pack(
    ['I', 0x06054b50],
    ['H', 0, 0, count, count],
    ['I', entries.length, offset],
    ['H', 0],
  )
  return Buffer.concat([...locals, entries, end])
}

function concat(descr: string, shape: readonly number[], data: Buffer): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1')
  head.writeUInt16LE(padded.length, 8)
  return Buffer.concat([head, Buffer.from(padded), data])
}

function pack(...fields: ['H' | 'I', ...number[]][]): Buffer {
  return Buffer.concat(
    fields.map(([kind, ...values]) =>
      Buffer.from((kind === 'H' ? Uint16Array.from(values) : Uint32Array.from(values)).buffer),
    ),
  )
}
