/** Everything about a model in one archive: each format that can hold it, what belongs to it, and a way to verify it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type ModelFile,
  repeatable,
  type ServedModel,
  UnsupportedExportError,
} from '../exported-model.ts'
import { moduleTypes, writeModule } from '../module/write-module.ts'
import { writeNpz } from '../npz.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { describeNetworks, writeSafetensors } from '../safetensors.ts'
import { storedZip, type ZipEntry } from '../stored-zip.ts'
import { tfjsFiles } from '../tfjs.ts'
import { toTensors } from '../to-tensors.ts'
import { writeWeightsJson } from '../weights-json.ts'

/** A text that goes into the archive as it is. */
export interface BundleDocument {
  name: string
  text: string
}

const VERIFY = new URL('./verify.mjs', import.meta.url)

export function writeBundle(model: ServedModel, documents: readonly BundleDocument[]): ModelFile {
  const metadata = (naming: 'trainyard' | 'torch') => describeNetworks(model, naming)
  const tensors = (naming: 'trainyard' | 'torch') =>
    writeSafetensors({ tensors: toTensors(model.networks, naming), metadata: metadata(naming) })
  const files: ZipEntry[] = [
    ...documents.map(({ name, text }) => ({ name, chunks: [text] })),
    { name: 'vectors.json', chunks: [`${JSON.stringify(model.vectors, null, 2)}\n`] },
    { name: 'verify.mjs', chunks: [readFileSync(VERIFY)] },
    { name: 'model.mjs', chunks: writeModule(model).chunks },
    { name: 'model.d.mts', chunks: [moduleTypes(model)] },
    { name: 'model.json', chunks: writeWeightsJson(model.networks).chunks },
    { name: 'model.safetensors', chunks: tensors('trainyard').chunks },
    { name: 'torch.safetensors', chunks: tensors('torch').chunks },
    { name: 'model.npz', chunks: writeNpz(model).chunks },
    { name: 'model.onnx', chunks: writeOnnx(model).chunks },
    ...wherePossible(() => tfjsFiles(model)).map((entry) => ({
      ...entry,
      name: `tfjs/${entry.name}`,
    })),
  ]
  return {
    mediaType: 'application/zip',
    extension: '.zip',
    chunks: storedZip([...files, { name: 'SHA256SUMS', chunks: checksums(files) }]),
  }
}

/** What a format has no words for is not in the archive. */
function wherePossible(make: () => ZipEntry[]): ZipEntry[] {
  try {
    return make()
  } catch (error) {
    if (error instanceof UnsupportedExportError) return []
    throw error
  }
}

/** As `sha256sum` writes and checks them. Found once; the empty pieces meanwhile give others their turn. */
function checksums(files: readonly ZipEntry[]): Iterable<string> {
  let text: string | null = null
  return repeatable(function* () {
    if (text === null) {
      let lines = ''
      for (const { name, chunks } of files) {
        const hash = createHash('sha256')
        for (const chunk of chunks) {
          hash.update(chunk)
          yield ''
        }
        lines += `${hash.digest('hex')}  ${name}\n`
      }
      text = lines
    }
    yield text
  })
}
