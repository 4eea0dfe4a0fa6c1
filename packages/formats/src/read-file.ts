import { InvalidFileError, type TensorFile } from './model-tensors.ts'
import type { FoundNetwork } from './onnx/read-onnx.ts'
import { readOnnx } from './onnx/read-onnx.ts'
import { readSafetensors } from './read-safetensors.ts'

export interface WeightsFile extends TensorFile {
  format: 'safetensors' | 'onnx'
  /** Of an ONNX file of others: what its operators are. */
  found: FoundNetwork | null
}

const OPENING_BRACE = 0x7b
const SPACES = [0x20, 0x09, 0x0a, 0x0d]

/** Weights from a file of which only the bytes are known. Throws InvalidFileError. */
export function readWeightsFile(bytes: Uint8Array): WeightsFile {
  if (bytes.length === 0) throw new InvalidFileError('The file is empty')
  const first = bytes[8] ?? 0
  // The seventh and eighth byte of a header's length are zero below 256 TiB; in ONNX they are text.
  const isSafetensors =
    first === OPENING_BRACE || SPACES.includes(first) || (bytes[6] === 0 && bytes[7] === 0)
  return isSafetensors
    ? { format: 'safetensors', found: null, ...readSafetensors(bytes) }
    : { format: 'onnx', ...readOnnx(bytes) }
}
