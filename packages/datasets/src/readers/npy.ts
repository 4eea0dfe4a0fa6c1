/** NumPy's own files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3. */
import { type FileHandle, open } from 'node:fs/promises'
import { quoteCell, refuse } from '../data-error.ts'
import type { ArrayElement, ArraySource } from './arrays.ts'

const MAGIC = Buffer.from('\x93NUMPY', 'latin1')
const HEADER_BYTES_MAX = 64 * 1024
/** Characters of a fixed-width text; wider ones are no categories. */
const TEXT_CHARACTERS_MAX = 4096

/** `name` is that of the array in an archive, and empty for a file of its own. */
export async function readNpy(path: string, name = ''): Promise<ArraySource> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const { text, offset } = await readHeader(file, size)
    const header = parseHeader(text)
    const element = elementOf(header.descr)
    const [rows = 0, ...rest] = header.shape
    if (header.shape.length === 0) refuse(`${label(name)} is a single value, not an array`)
    if (header.isFortran && rest.length > 1) {
      refuse(
        `${label(name)} has ${header.shape.length} dimensions in Fortran order; save it in C order`,
      )
    }
    const width = rest.reduce((product, length) => product * length, 1)
    const announced = offset + rows * width * element.bytes
    if (announced !== size) {
      refuse(`${label(name)} should have ${announced} bytes by its header, and has ${size}`)
    }
    return { name, path, offset, rows, width, isFortran: header.isFortran, element }
  } finally {
    await file.close()
  }
}

async function readHeader(
  file: FileHandle,
  size: number,
): Promise<{ text: string; offset: number }> {
  const start = Buffer.alloc(12)
  await file.read(start, 0, 12, 0)
  if (!start.subarray(0, 6).equals(MAGIC)) refuse('The file does not begin as a .npy file does')
  const version = start.readUInt8(6)
  if (version < 1 || version > 3) refuse(`Version ${version} of the .npy format is not read`)
  const prefix = version === 1 ? 10 : 12
  const length = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8)
  if (length > HEADER_BYTES_MAX || prefix + length > size) {
    refuse(`The header of the array announces ${length} bytes, which it cannot have`)
  }
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, prefix)
  return { text: bytes.toString(version === 3 ? 'utf8' : 'latin1'), offset: prefix + length }
}

/** The header is a Python dictionary, of which writers make exactly these three entries. */
function parseHeader(text: string) {
  const descr = /'descr': *'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order': *(True|False)/.exec(text)?.[1]
  const shape = /'shape': *\(([\d, ]*)\)/.exec(text)?.[1]
  if (/'descr': *\[/.test(text)) refuse('Arrays of records are not read; save one array a column')
  if (descr === undefined || order === undefined || shape === undefined) {
    refuse('The header of the array lacks descr, fortran_order or shape')
  }
  const lengths = shape
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number)
  if (!lengths.every(Number.isSafeInteger)) refuse('The shape of the array is no list of lengths')
  return { descr: descr as string, isFortran: order === 'True', shape: lengths }
}

function elementOf(descr: string): ArrayElement {
  const [, order, kind, size] = /^([<>|=])([a-zA-Z])(\d+)$/.exec(descr) ?? []
  const isLittle = order !== '>'
  const bytes = Number(size)
  if (kind === 'b' && bytes === 1) {
    return { bytes, type: 'boolean', read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) }
  }
  if (kind === 'U' && bytes <= TEXT_CHARACTERS_MAX) {
    return { bytes: bytes * 4, type: 'category', read: makeTextReader(bytes, isLittle) }
  }
  const read = NUMBERS[`${kind}${size}`]
  if (read !== undefined) {
    return { bytes, type: 'number', read: (view, at) => read(view, at, isLittle) }
  }
  return refuse(
    `Elements of type ${quoteCell(descr)} are not read; save integers, floats of at most 64 bits, booleans or texts`,
  )
}

const NUMBERS: Partial<Record<string, (view: DataView, at: number, isLittle: boolean) => number>> =
  {
    i1: (view, at) => view.getInt8(at),
    i2: (view, at, isLittle) => view.getInt16(at, isLittle),
    i4: (view, at, isLittle) => view.getInt32(at, isLittle),
    i8: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
    u1: (view, at) => view.getUint8(at),
    u2: (view, at, isLittle) => view.getUint16(at, isLittle),
    u4: (view, at, isLittle) => view.getUint32(at, isLittle),
    u8: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
    f2: (view, at, isLittle) => view.getFloat16(at, isLittle),
    f4: (view, at, isLittle) => view.getFloat32(at, isLittle),
    f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
  }

/** Texts are code points of four bytes each, filled up with zeros. */
function makeTextReader(characters: number, isLittle: boolean): ArrayElement['read'] {
  return (view, at) => {
    let end = characters
    while (end > 0 && view.getUint32(at + 4 * (end - 1), isLittle) === 0) end -= 1
    let text = ''
    for (let i = 0; i < end; i++) {
      const point = view.getUint32(at + 4 * i, isLittle)
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        refuse(`The array holds 0x${point.toString(16)}, which is no character`)
      }
      text += String.fromCodePoint(point)
    }
    return text
  }
}

function label(name: string): string {
  return name === '' ? 'The array' : `The array ${quoteCell(name)}`
}
