/** Two ways to a model's logits: opened with the kernels it was trained by, or as it is, in float64 and much slower. */
import { compileKernels, openInference } from '@trainyard/engine'
import { forward } from '@trainyard/engine/inference'
import type { TrainedModel } from './create-predictor.ts'
import { toInferenceConfig } from './network-config.ts'

export interface OpenModel extends TrainedModel {
  /** Frees its memory, which otherwise goes with the model. */
  close(): void
}

/** Prepares a model for many predictions: up to seventy times faster, and the same to 1e-6 as without. */
export async function openModel(model: TrainedModel): Promise<OpenModel> {
  const { module } = await compileKernels()
  const config = toInferenceConfig(model.architecture)
  const { predict, close } = openInference(module, config, model.layers)
  return { ...model, infer: predict, close }
}

/** Logits [rows, outputs] of encoded inputs [rows, inputs]; a row's bits do not depend on the rows beside it. */
export function logitsOf(
  { architecture, layers, infer }: TrainedModel,
  inputs: Float32Array,
  rows: number,
): Float32Array {
  return infer?.(inputs, rows) ?? forward(toInferenceConfig(architecture), layers, inputs, rows)
}
