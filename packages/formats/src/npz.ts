/** NumPy's archive: an `.npy` file for each array. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import type { ExportedModel, ModelFile } from './exported-model.ts'
import { bytesOf, describeNetworks, type Tensor } from './safetensors.ts'
import { storedZip, type ZipEntry } from './stored-zip.ts'
import { toTensors } from './to-tensors.ts'

/** Header and data of an `.npy` file begin at multiples of this. */
const ALIGNMENT = 64
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]

/** Every tensor under its name, and `metadata`, a text that holds the rest as JSON. */
export function writeNpz(model: ExportedModel): ModelFile {
  const metadata = JSON.stringify(describeNetworks(model, 'trainyard'))
  return {
    mediaType: 'application/x-npz',
    extension: '.npz',
    chunks: storedZip([...toTensors(model.networks).map(toArray), toText('metadata', metadata)]),
  }
}

function toArray({ name, shape, data }: Tensor): ZipEntry {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  return { name: `${name}.npy`, chunks: [npyHeader('<f4', tuple), ...bytesOf(data)] }
}

/** An array without dimensions, of UTF-32 as NumPy keeps texts. */
function toText(name: string, text: string): ZipEntry {
  const characters = [...text]
  const data = Uint32Array.from(characters, (character) => character.codePointAt(0) ?? 0)
  const bytes = new Uint8Array(data.buffer)
  return { name: `${name}.npy`, chunks: [npyHeader(`<U${characters.length}`, ''), bytes] }
}

function npyHeader(descr: string, shape: string): Uint8Array {
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`
  const length = Math.ceil((MAGIC.length + 3 + dictionary.length) / ALIGNMENT) * ALIGNMENT
  const header = new Uint8Array(length).fill(0x20)
  header.set(MAGIC)
  new DataView(header.buffer).setUint16(MAGIC.length, length - MAGIC.length - 2, true)
  header.set(new TextEncoder().encode(dictionary), MAGIC.length + 2)
  header[length - 1] = 0x0a
  return header
}
