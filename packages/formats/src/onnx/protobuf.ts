/**
 * As much of protobuf's wire format as ONNX files need (https://protobuf.dev/programming-guides/encoding): a message is a
 * list of fields, each a number, a kind and a value. Weights stay views of the arrays they come from.
 */

/** An encoded message, in pieces. */
export interface Message {
  bytes: number
  chunks: readonly Uint8Array[]
}

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

const encoder = new TextEncoder()

export function message(fields: readonly Message[]): Message {
  return {
    bytes: fields.reduce((sum, { bytes }) => sum + bytes, 0),
    chunks: fields.flatMap(({ chunks }) => chunks),
  }
}

/** A whole number, negative ones in two's complement of 64 bits. */
export function intField(field: number, value: number | bigint): Message {
  return one([...varint(BigInt(field * 8 + VARINT)), ...varint(BigInt.asUintN(64, BigInt(value)))])
}

export function floatField(field: number, value: number): Message {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return one([...varint(BigInt(field * 8 + FIXED32)), ...bytes])
}

export function textField(field: number, text: string): Message {
  return bytesField(field, [encoder.encode(text)])
}

export function bytesField(field: number, chunks: readonly Uint8Array[]): Message {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  return messageField(field, { bytes, chunks })
}

export function messageField(field: number, inner: Message): Message {
  const head = one([...varint(BigInt(field * 8 + LENGTH)), ...varint(BigInt(inner.bytes))])
  return message([head, inner])
}

function one(bytes: readonly number[]): Message {
  return { bytes: bytes.length, chunks: [Uint8Array.from(bytes)] }
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest > 0x7fn
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return bytes
}

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** A field as it was read: a number, or the bytes of a text, a message or a list. */
export interface Field {
  number: number
  value: bigint | Uint8Array
}

/**
 * The fields of a message, in order; a fixed-width one is its bytes. Throws ProtobufError where the message breaks off, a
 * length goes beyond its end, or a kind is none.
 */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  while (at < bytes.length) {
    const key = readVarint()
    const number = Number(key >> 3n)
    if (number < 1 || number > 536_870_911)
      throw new ProtobufError(`${number} is no field's number`)
    switch (Number(key & 7n)) {
      case VARINT:
        fields.push({ number, value: readVarint() })
        break
      case FIXED64:
        fields.push({ number, value: take(8) })
        break
      case LENGTH: {
        const length = readVarint()
        if (length > BigInt(bytes.length - at)) {
          throw new ProtobufError(
            `field ${number} says ${length} bytes, ${bytes.length - at} are left`,
          )
        }
        fields.push({ number, value: take(Number(length)) })
        break
      }
      case FIXED32:
        fields.push({ number, value: take(4) })
        break
      default:
        throw new ProtobufError(`field ${number} has the unknown kind ${key & 7n}`)
    }
  }
  return fields

  function readVarint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw new ProtobufError('the message breaks off within a number')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('a number has more than 64 bits')
  }

  function take(length: number): Uint8Array {
    if (at + length > bytes.length) throw new ProtobufError('the message breaks off within a field')
    at += length
    return bytes.subarray(at - length, at)
  }
}
