export { type SafetensorsFile, type Tensor, writeSafetensors } from './safetensors.ts'
export { toTensors } from './to-tensors.ts'
export { type WeightsLayer, type WeightsParts, writeWeightsJson } from './weights-json.ts'
