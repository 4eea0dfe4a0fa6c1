/**
 * Tensors of the Open Inference Protocol, version 2, in JSON and in its binary extension: raw little-endian elements, row
 * by row; BYTES as a 32-bit length and the bytes, for each element.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */

/** A request that cannot be answered; the message is for the caller. */
export class InferenceError extends Error {
  override name = 'InferenceError'
}

export const DATATYPES = [
  ...['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'],
  ...['FP16', 'FP32', 'FP64', 'BYTES'],
] as readonly Datatype[]

export type Datatype = NumberDatatype | 'BYTES'
type NumberDatatype = keyof typeof NUMBERS

export type NumberData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array
export type TensorData = NumberData | string[]

/** Element arrays of what is not text, and the whole numbers that fit. BOOL is one byte of 0 or 1. */
const NUMBERS = {
  BOOL: { array: Uint8Array, range: null },
  UINT8: { array: Uint8Array, range: [0, 2 ** 8 - 1] },
  UINT16: { array: Uint16Array, range: [0, 2 ** 16 - 1] },
  UINT32: { array: Uint32Array, range: [0, 2 ** 32 - 1] },
  // JSON numbers beyond 2⁵³ are already rounded when they are read.
  UINT64: { array: BigUint64Array, range: [0, Number.MAX_SAFE_INTEGER] },
  INT8: { array: Int8Array, range: [-(2 ** 7), 2 ** 7 - 1] },
  INT16: { array: Int16Array, range: [-(2 ** 15), 2 ** 15 - 1] },
  INT32: { array: Int32Array, range: [-(2 ** 31), 2 ** 31 - 1] },
  INT64: { array: BigInt64Array, range: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] },
  FP16: { array: Float16Array, range: null },
  FP32: { array: Float32Array, range: null },
  FP64: { array: Float64Array, range: null },
} as const

const LENGTH_BYTES = 4

/** Elements from the values of a JSON document, flat. Throws InferenceError with the first that does not fit. */
export function fromJson(datatype: Datatype, values: readonly unknown[], name: string): TensorData {
  if (datatype === 'BYTES') {
    const bad = values.find((value) => typeof value !== 'string')
    if (bad !== undefined) throw misfit(name, datatype, bad)
    return values as string[]
  }
  const { array, range } = NUMBERS[datatype]
  const wanted = datatype === 'BOOL' ? 'boolean' : 'number'
  for (const value of values) {
    if (typeof value !== wanted) throw misfit(name, datatype, value)
    if (range === null) continue
    const number = value as number
    if (!Number.isInteger(number) || number < range[0] || number > range[1]) {
      throw misfit(name, datatype, value)
    }
  }
  if (array === BigInt64Array || array === BigUint64Array) {
    return array.from((values as number[]).map(BigInt))
  }
  const numbers = (values as (number | boolean)[]).map(Number)
  return new (array as new (values: number[]) => NumberData)(numbers)
}

/** Elements from bytes, copied out. Throws InferenceError when these are not as many as `count` elements take. */
export function fromBytes(
  datatype: Datatype,
  bytes: Uint8Array,
  count: number,
  name: string,
): TensorData {
  if (datatype === 'BYTES') return toTexts(bytes, count, name)
  const { array } = NUMBERS[datatype]
  const length = count * array.BYTES_PER_ELEMENT
  if (bytes.byteLength !== length) {
    throw new InferenceError(
      `input ${quote(name)}: ${bytes.byteLength} bytes of binary data, ${count} elements of ${datatype} take ${length}`,
    )
  }
  // A copy: the place of a tensor in the body need not be a multiple of its element.
  return new array(new Uint8Array(bytes).buffer)
}

/** Elements as raw bytes. */
export function toBytes(data: TensorData): Uint8Array {
  if (!Array.isArray(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const texts = data.map((text) => Buffer.from(text))
  const bytes = Buffer.alloc(texts.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0))
  let at = 0
  for (const text of texts) {
    at = bytes.writeUInt32LE(text.length, at)
    at += text.copy(bytes, at)
  }
  return bytes
}

/** Elements as JSON has them: numbers, truth values for BOOL, texts. */
export function toJson(datatype: Datatype, data: TensorData): unknown[] {
  if (datatype === 'BOOL') return Array.from(data as Uint8Array, (value) => value !== 0)
  return Array.from(data as ArrayLike<number | bigint | string>, (value) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
}

export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}

function toTexts(bytes: Uint8Array, count: number, name: string): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: string[] = []
  let at = 0
  while (at + LENGTH_BYTES <= buffer.length && texts.length < count) {
    const length = buffer.readUInt32LE(at)
    at += LENGTH_BYTES
    if (length > buffer.length - at) break
    texts.push(buffer.toString('utf8', at, at + length))
    at += length
  }
  if (texts.length === count && at === buffer.length) return texts
  throw new InferenceError(
    `input ${quote(name)}: its ${buffer.length} bytes of binary data are not ${count} texts, each behind its length`,
  )
}

function misfit(name: string, datatype: Datatype, value: unknown): InferenceError {
  const given = typeof value === 'number' ? String(value) : `of type ${typeof value}`
  return new InferenceError(`input ${quote(name)}: an element ${given} is no ${datatype}`)
}
