export type { BundleDocument } from './bundle/write-bundle.ts'
export { type ModelFile, type ServedModel, UnsupportedExportError } from './exported-model.ts'
export { InvalidFileError, takeLayers } from './model-tensors.ts'
export { type Datatype, InferenceError, type TensorData } from './open-inference/datatypes.ts'
export {
  type InferenceParameters,
  type InferenceRequest,
  type InferenceTensor,
  parseInferenceRequest,
} from './open-inference/parse-inference-request.ts'
export {
  type InferenceResponse,
  renderInferenceResponse,
} from './open-inference/render-inference-response.ts'
export { readWeightsFile } from './read-file.ts'
export { writeModel } from './write-model.ts'
