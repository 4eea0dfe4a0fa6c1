export { type SafetensorsFile, type Tensor, writeSafetensors } from './safetensors.ts'
export { type WeightsParts, writeWeightsJson } from './weights-json.ts'
