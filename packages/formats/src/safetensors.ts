/**
 * Writes safetensors: 8 bytes of header length (u64, little-endian), a JSON header padded with spaces to 8 bytes, then
 * the tensors one after the other. https://huggingface.co/docs/safetensors
 */

import { type ExportedModel, type ModelFile, repeatable } from './exported-model.ts'
import { type Naming, toTorchModule } from './tensor-names.ts'

export interface Tensor {
  /** Of a layer `layers.{i}.weight` [out, in] and `layers.{i}.bias` [out]; see `toTensors`. */
  name: string
  shape: readonly number[]
  /** Row-major. Only read; chunks are views of it. */
  data: Float32Array
}

const CHUNK_BYTES = 1024 * 1024
const LENGTH_BYTES = 8

/** Tensors lie in the order given. Metadata values are texts, by the format's rule. */
export function writeSafetensors(input: {
  tensors: readonly Tensor[]
  metadata: Readonly<Record<string, string>>
}): ModelFile {
  const { tensors, metadata } = input
  const header = encodeHeader(tensors, metadata)
  return {
    mediaType: 'application/octet-stream',
    extension: '.safetensors',
    chunks: repeatable(function* () {
      yield header
      for (const { data } of tensors) yield* bytesOf(data)
    }),
  }
}

/** The little-endian bytes of numbers, in views that copy nothing. */
export function* bytesOf(data: Float32Array): Generator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, data.byteLength - at)
    yield new Uint8Array(data.buffer, data.byteOffset + at, length)
  }
}

/** What goes into the metadata of a model's file beside the facts: enough to read it back. */
export function describeNetworks(
  { networks, facts }: ExportedModel,
  naming: Naming,
): Record<string, string> {
  const [first] = networks
  if (first === undefined) throw new Error('a model has at least one network')
  const torch = networks.map(({ architecture }) => toTorchModule(architecture))
  const described = networks.map(({ architecture, preprocessing }) => ({
    architecture,
    preprocessing,
  }))
  return {
    ...(networks.length === 1
      ? {
          format: 'trainyard/1',
          architecture: JSON.stringify(first.architecture),
          preprocessing: JSON.stringify(first.preprocessing),
        }
      : { format: 'trainyard-ensemble/1', members: JSON.stringify(described) }),
    ...(naming === 'trainyard' ? {} : { naming }),
    ...(naming === 'torch' && torch.every((module) => module !== null)
      ? { torch: torch.length === 1 ? `${torch[0]}` : `nn.ModuleList([${torch.join(', ')}])` }
      : {}),
    ...facts,
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
