/** Reads safetensors as strictly as the reference does, and takes float32 only. https://huggingface.co/docs/safetensors */
import { InvalidFileError, type TensorFile } from './model-tensors.ts'

const LENGTH_BYTES = 8
const HEADER_BYTES_MAX = 100_000_000
const FLOAT_BYTES = 4
const METADATA = '__metadata__'
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Throws InvalidFileError. Tensors are copies: in the file they may lie at any offset. */
export function readSafetensors(bytes: Uint8Array): TensorFile {
  if (bytes.length < LENGTH_BYTES) throw new InvalidFileError('The file has no header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getBigUint64(0, true)
  if (length > BigInt(HEADER_BYTES_MAX)) {
    throw new InvalidFileError(
      `The header says ${length} bytes, at most ${HEADER_BYTES_MAX} are allowed`,
    )
  }
  const start = LENGTH_BYTES + Number(length)
  if (start > bytes.length) {
    throw new InvalidFileError(
      `The header says ${length} bytes, the file has ${bytes.length - LENGTH_BYTES} after its length`,
    )
  }
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start))
  const metadata = readMetadata(header.get(METADATA))
  header.delete(METADATA)
  const data = bytes.subarray(start)
  const entries = [...header].map(([name, entry]) => readEntry(name, entry))
  let end = 0
  for (const { name, begin, end: next } of entries.toSorted(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== end) {
      const detail = begin < end ? 'overlaps the one before it' : 'leaves a hole before it'
      throw new InvalidFileError(
        `The tensor "${name}" begins at ${begin} and ${detail}, which ends at ${end}`,
      )
    }
    end = next
  }
  if (end !== data.length) {
    throw new InvalidFileError(
      `The tensors end at ${end}, the file has ${data.length} bytes of them`,
    )
  }
  const tensors = new Map(
    entries.map(({ name, shape, begin, end: last }) => [
      name,
      { shape, data: new Float32Array(new Uint8Array(data.subarray(begin, last)).buffer) },
    ]),
  )
  return { tensors, metadata }
}

/** The fields of the header. JSON itself would let the last of two equal names count. */
function parseHeader(bytes: Uint8Array): Map<string, unknown> {
  let text: string
  let value: unknown
  try {
    text = decoder.decode(bytes)
    value = JSON.parse(text)
  } catch (error) {
    throw new InvalidFileError(`The header is no JSON: ${(error as Error).message}`)
  }
  if (!text.startsWith('{') || typeof value !== 'object' || value === null) {
    throw new InvalidFileError('The header is no JSON object that begins with {')
  }
  const entries = Object.entries(value)
  const names = countNames(text)
  if (names !== entries.length) throw new InvalidFileError('The header has a name twice')
  return new Map(entries)
}

/** Names of the outermost object: texts at depth 1 that a colon follows. */
function countNames(text: string): number {
  let depth = 0
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]
    if (sign === '"') {
      for (i += 1; text[i] !== '"'; i++) if (text[i] === '\\') i += 1
      if (depth === 1 && /^\s*:/.test(text.slice(i + 1, i + 32))) count += 1
    } else if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
  }
  return count
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidFileError('The metadata is no object')
  }
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new InvalidFileError(`The metadata "${name}" is no text`)
  }
  return value as Record<string, string>
}

function readEntry(name: string, entry: unknown) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>
  if (dtype !== 'F32' && !(dtype === 'I64' && name.endsWith('.num_batches_tracked'))) {
    throw new InvalidFileError(`The tensor "${name}" has the dtype ${String(dtype)}; F32 is taken`)
  }
  if (!isWholeNumbers(shape)) throw new InvalidFileError(`The tensor "${name}" has no shape`)
  if (!isWholeNumbers(offsets) || offsets.length !== 2) {
    throw new InvalidFileError(`The tensor "${name}" has no data_offsets`)
  }
  const [begin = 0, end = 0] = offsets
  const bytes = shape.reduce((a, b) => a * b, dtype === 'F32' ? FLOAT_BYTES : 2 * FLOAT_BYTES)
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw new InvalidFileError(
      `The tensor "${name}" of shape [${shape.join(', ')}] has ${bytes} bytes, its offsets say ${end - begin}`,
    )
  }
  return { name, shape, begin, end }
}

function isWholeNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}
