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
export { type SafetensorsFile, type Tensor, writeSafetensors } from './safetensors.ts'
export { toTensors } from './to-tensors.ts'
export { type WeightsLayer, type WeightsParts, writeWeightsJson } from './weights-json.ts'
