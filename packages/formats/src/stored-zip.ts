/**
 * ZIP without compression: weights do not shrink, and a stored file can be read where it lies. The same entries give the
 * same bytes; each header says length and checksum before its file. APPNOTE 6.3.10, without ZIP64.
 */
import { crc32 } from 'node:zlib'
import { repeatable } from './exported-model.ts'

export interface ZipEntry {
  /** With `/` between folders. */
  name: string
  /** Asked for twice; the same each time. */
  chunks: Iterable<Uint8Array | string>
}

interface Sized {
  name: Uint8Array
  bytes: number
  crc: number
  offset: number
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const VERSION = 20
const UTF8_NAMES = 0x0800
/** The first of January 1980, the first day that the format knows: a time of writing would change the bytes. */
const SOME_DATE = 0x21
const BYTES_MAX = 2 ** 32 - 2

const encoder = new TextEncoder()
const NOTHING = new Uint8Array(0)

export function storedZip(entries: readonly ZipEntry[]): Iterable<Uint8Array | string> {
  const sizes = new Map<ZipEntry, { bytes: number; crc: number }>()
  return repeatable(function* () {
    const written: Sized[] = []
    let at = 0
    for (const entry of entries) {
      // The first run reads every file once more than the later ones, and lets others have their turn.
      const known = sizes.get(entry) ?? (yield* measure(entry))
      sizes.set(entry, known)
      const sized = { name: encoder.encode(entry.name), offset: at, ...known }
      written.push(sized)
      const header = localHeader(sized)
      yield header
      yield* entry.chunks
      at += header.length + sized.bytes
      if (at > BYTES_MAX) throw new Error('the archive would have more than 4 GiB')
    }
    const directory = written.map(centralHeader)
    yield* directory
    yield endOfDirectory(
      written.length,
      directory.reduce((sum, { length }) => sum + length, 0),
      at,
    )
  })
}

function* measure({ chunks }: ZipEntry): Generator<Uint8Array, { bytes: number; crc: number }> {
  let bytes = 0
  let crc = 0
  for (const chunk of chunks) {
    const content = typeof chunk === 'string' ? encoder.encode(chunk) : chunk
    bytes += content.length
    crc = crc32(content, crc)
    yield NOTHING
  }
  return { bytes, crc }
}

function localHeader(entry: Sized): Uint8Array {
  return fields(30, entry.name, (view) => {
    view.setUint32(0, LOCAL, true)
    view.setUint16(4, VERSION, true)
    shared(view, 6, entry)
  })
}

function centralHeader(entry: Sized): Uint8Array {
  return fields(46, entry.name, (view) => {
    view.setUint32(0, CENTRAL, true)
    view.setUint16(4, VERSION, true)
    view.setUint16(6, VERSION, true)
    shared(view, 8, entry)
    view.setUint32(42, entry.offset, true)
  })
}

/** From the flags to the length of the name, the same in both headers. */
function shared(view: DataView, at: number, { name, bytes, crc }: Sized): void {
  view.setUint16(at, UTF8_NAMES, true)
  view.setUint16(at + 6, SOME_DATE, true)
  view.setUint32(at + 8, crc, true)
  view.setUint32(at + 12, bytes, true)
  view.setUint32(at + 16, bytes, true)
  view.setUint16(at + 20, name.length, true)
}

function endOfDirectory(count: number, bytes: number, offset: number): Uint8Array {
  return fields(22, NOTHING, (view) => {
    view.setUint32(0, END, true)
    view.setUint16(8, count, true)
    view.setUint16(10, count, true)
    view.setUint32(12, bytes, true)
    view.setUint32(16, offset, true)
  })
}

function fields(length: number, name: Uint8Array, write: (view: DataView) => void): Uint8Array {
  const header = new Uint8Array(length + name.length)
  write(new DataView(header.buffer))
  header.set(name, length)
  return header
}
