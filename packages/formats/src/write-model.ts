import type { ExportFormat, ExportQuery } from '@trainyard/contracts'
import { type BundleDocument, writeBundle } from './bundle/write-bundle.ts'
import type { ModelFile, ServedModel } from './exported-model.ts'
import { writeModule } from './module/write-module.ts'
import { writeNpz } from './npz.ts'
import { writeOnnx } from './onnx/write-onnx.ts'
import { describeNetworks, writeSafetensors } from './safetensors.ts'
import { writeTfjs } from './tfjs.ts'
import { toTensors } from './to-tensors.ts'
import { writeWeightsJson } from './weights-json.ts'

export type ExportOptions = Omit<ExportQuery, 'format'> & {
  /** What a bundle holds beside the files. */
  documents?: readonly BundleDocument[]
}

/** The model as a file of the format. Throws UnsupportedExportError for what the format cannot hold. */
export function writeModel(
  model: ServedModel,
  format: ExportFormat,
  options: ExportOptions = {},
): ModelFile {
  switch (format) {
    case 'json':
      return writeWeightsJson(model.networks)
    case 'safetensors': {
      const { naming = 'trainyard' } = options
      const tensors = toTensors(model.networks, naming)
      return writeSafetensors({ tensors, metadata: describeNetworks(model, naming) })
    }
    case 'npz':
      return writeNpz(model)
    case 'onnx':
      return writeOnnx(model, options)
    case 'tfjs':
      return writeTfjs(model)
    case 'esm':
      return writeModule(model)
    case 'bundle':
      return writeBundle(model, options.documents ?? [])
  }
}
