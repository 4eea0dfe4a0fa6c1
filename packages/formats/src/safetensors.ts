/**
 * Writes safetensors: 8 bytes of header length (u64, little-endian), a JSON header padded with spaces to 8 bytes, then
 * the tensors one after the other. https://huggingface.co/docs/safetensors
 */

export interface Tensor {
  /** Of a layer `layers.{i}.weight` [out, in] and `layers.{i}.bias` [out]; see `toTensors`. */
  name: string
  shape: readonly number[]
  /** Row-major. Only read; chunks are views of it. */
  data: Float32Array
}

export interface SafetensorsFile {
  byteLength: number
  chunks: Iterable<Uint8Array>
}

const CHUNK_BYTES = 1024 * 1024
const LENGTH_BYTES = 8

/** Tensors lie in the order given. Metadata values are texts, by the format's rule. */
export function writeSafetensors(input: {
  tensors: readonly Tensor[]
  metadata: Readonly<Record<string, string>>
}): SafetensorsFile {
  const { tensors, metadata } = input
  const header = encodeHeader(tensors, metadata)
  const dataBytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0)
  return { byteLength: header.byteLength + dataBytes, chunks: { [Symbol.iterator]: chunks } }

  function* chunks(): Generator<Uint8Array> {
    yield header
    for (const { data } of tensors) {
      for (let at = 0; at < data.byteLength; at += CHUNK_BYTES) {
        const length = Math.min(CHUNK_BYTES, data.byteLength - at)
        yield new Uint8Array(data.buffer, data.byteOffset + at, length)
      }
    }
  }
}

function encodeHeader(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]]
  let begin = 0
  for (const { name, shape, data } of tensors) {
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    if (size !== data.length) {
      throw new Error(`Tensor ${name} of shape [${shape.join(', ')}] has ${data.length} values`)
    }
    const end = begin + data.byteLength
    entries.push([name, { dtype: 'F32', shape, data_offsets: [begin, end] }])
    begin = end
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const length = Math.ceil(json.byteLength / 8) * 8
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, LENGTH_BYTES)
  return header
}
