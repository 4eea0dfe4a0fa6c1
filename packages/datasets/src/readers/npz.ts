/**
 * NumPy's archives: a ZIP of .npy files, each stored or deflated (APPNOTE 6.3.10, with the 64-bit fields NumPy writes).
 * Arrays are unpacked to files of their own, never more bytes than the archive announces, and those are bounded.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { quoteCell, refuse } from '../data-error.ts'
import type { Session } from '../session.ts'
import type { Ingested, TableOptions } from '../store-table.ts'
import { ingestArrays } from './arrays.ts'
import { readNpy } from './npy.ts'

interface Entry {
  name: string
  method: number
  packedBytes: number
  bytes: number
  /** Of the local header. */
  offset: number
}

const END_SIGNATURE = 0x06054b50
const ENTRY_SIGNATURE = 0x02014b50
const LOCAL_SIGNATURE = 0x04034b50
const END_BYTES = 22
/** The longest comment an archive may end with. */
const COMMENT_BYTES_MAX = 65_535
const DIRECTORY_BYTES_MAX = 16 * 1024 * 1024
const UINT32_MAX = 0xffffffff
const STORED = 0
const DEFLATED = 8

export async function ingestNpz(
  session: Session,
  path: string,
  options: TableOptions & { bytesMax: number },
): Promise<Ingested> {
  const unpacked: string[] = []
  try {
    const entries = await readDirectory(path)
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    if (bytes > options.bytesMax) {
      refuse(`The arrays have ${bytes} bytes unpacked; at most ${options.bytesMax} are read`)
    }
    const arrays = []
    for (const entry of entries) {
      const target = session.freshPath('npy')
      unpacked.push(target)
      await unpack(path, entry, target)
      arrays.push(await readNpy(target, entry.name.replace(/\.npy$/, '')))
    }
    return await ingestArrays(session, arrays, options)
  } finally {
    await Promise.all(unpacked.map((file) => rm(file, { force: true })))
  }
}

async function readDirectory(path: string): Promise<Entry[]> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const tail = await readAt(file, Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX), size)
    let end = tail.length - END_BYTES
    while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end -= 1
    if (end < 0) refuse('The file does not end as an .npz archive does; is it whole?')
    const count = tail.readUInt16LE(end + 10)
    const directoryBytes = tail.readUInt32LE(end + 12)
    const start = tail.readUInt32LE(end + 16)
    if (directoryBytes > DIRECTORY_BYTES_MAX || start + directoryBytes > size) {
      refuse('The directory of the .npz archive lies outside the file')
    }
    return parseDirectory(await readAt(file, start, start + directoryBytes), count)
  } finally {
    await file.close()
  }
}

function parseDirectory(directory: Buffer, count: number): Entry[] {
  const entries: Entry[] = []
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      refuse(`Entry ${i + 1} of the .npz archive is damaged`)
    }
    const nameBytes = directory.readUInt16LE(at + 28)
    const extraBytes = directory.readUInt16LE(at + 30)
    const name = directory.toString('utf8', at + 46, at + 46 + nameBytes)
    const extra = directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes)
    const [bytes, packedBytes, offset] = widen(extra, [
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 42),
    ])
    const isEncrypted = (directory.readUInt16LE(at + 8) & 1) === 1
    const method = directory.readUInt16LE(at + 10)
    if (!name.endsWith('.npy') || isEncrypted || (method !== STORED && method !== DEFLATED)) {
      refuse(`The archive holds ${quoteCell(name)}, which is no array that NumPy packs`)
    }
    entries.push({
      name,
      method,
      packedBytes: packedBytes ?? 0,
      bytes: bytes ?? 0,
      offset: offset ?? 0,
    })
    at += 46 + nameBytes + extraBytes + directory.readUInt16LE(at + 32)
  }
  if (entries.length === 0) refuse('The .npz archive is empty')
  return entries
}

/** Fields that do not fit into 32 bits stand in the extra field 1, in this order. */
function widen(extra: Buffer, fields: readonly number[]): number[] {
  let wide: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1)
      wide = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
  }
  let at = 0
  return fields.map((field) => {
    if (field !== UINT32_MAX) return field
    if (at + 8 > wide.length) refuse('The .npz archive lacks the sizes of an array')
    at += 8
    return Number(wide.readBigUInt64LE(at - 8))
  })
}

async function unpack(path: string, entry: Entry, target: string): Promise<void> {
  const source = await open(path, 'r')
  let start: number
  try {
    const { size } = await source.stat()
    const local = await readAt(source, entry.offset, Math.min(size, entry.offset + 30))
    if (local.length < 30 || local.readUInt32LE(0) !== LOCAL_SIGNATURE) {
      refuse(`The array ${quoteCell(entry.name)} is not where the archive says`)
    }
    start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
    if (start + entry.packedBytes > size) {
      refuse(`The array ${quoteCell(entry.name)} lies outside the archive`)
    }
  } finally {
    await source.close()
  }
  const output = await open(target, 'w')
  if (entry.packedBytes === 0) return await output.close()
  const packed = createReadStream(path, { start, end: start + entry.packedBytes - 1 })
  try {
    await pipeline(
      packed,
      ...(entry.method === DEFLATED ? [createInflateRaw()] : []),
      async function* (chunks: AsyncIterable<Buffer>) {
        let left = entry.bytes
        for await (const chunk of chunks) {
          left -= chunk.length
          if (left < 0)
            refuse(`The array ${quoteCell(entry.name)} unpacks to more than it announces`)
          yield chunk
        }
      },
      output.createWriteStream(),
    )
  } catch (error) {
    const { code } = error as { code?: string }
    if (code?.startsWith('Z_')) refuse(`The array ${quoteCell(entry.name)} is not soundly packed`)
    throw error
  }
}

async function readAt(file: FileHandle, start: number, end: number): Promise<Buffer> {
  if (end <= start) return Buffer.alloc(0)
  const bytes = Buffer.alloc(end - start)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
  return bytes.subarray(0, bytesRead)
}
