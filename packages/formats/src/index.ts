export { type ModelFile, type ServedModel, UnsupportedExportError } from './exported-model.ts'
export { writeModel } from './write-model.ts'
