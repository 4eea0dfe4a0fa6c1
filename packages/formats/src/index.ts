export type { BundleDocument } from './bundle/write-bundle.ts'
export { type ModelFile, type ServedModel, UnsupportedExportError } from './exported-model.ts'
export { writeModel } from './write-model.ts'
