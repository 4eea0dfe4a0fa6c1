import {
  GRADIENT_TOLERANCE,
  gradientCheck,
  initialWeights,
  type TensorCheck,
} from '@trainyard/engine'
import { prepareTraining, toNetworkConfig, toTrainingOptions, unpackLayers } from '@trainyard/model'
import type { GradientAnswer, GradientTask } from './trace-thread.ts'

/** The job as it would be before its first step: the same data, weights, batch and dropped units. */
export function answerGradientCheck(task: GradientTask): GradientAnswer {
  const { resolved, entriesPerTensorMax } = task
  const config = toNetworkConfig(resolved)
  const { training, architecture } = prepareTraining(task)
  const rows = Math.min(task.rows, training.rows)
  const options = { ...toTrainingOptions(resolved), training, rows, entriesPerTensorMax }
  const weights =
    task.initialWeights === null
      ? initialWeights(config, options.seed)
      : unpackLayers(architecture, task.initialWeights)
  const checks = gradientCheck(config, weights, options)
  const errors = checks.flatMap(({ worst }) => worst?.relativeError ?? [])
  return {
    rows,
    passed: errors.length > 0 && errors.every((error) => error <= GRADIENT_TOLERANCE),
    tolerance: GRADIENT_TOLERANCE,
    max_relative_error: errors.length === 0 ? null : Math.max(...errors),
    checked: checks.reduce((sum, { checked }) => sum + checked, 0),
    skipped: checks.reduce((sum, { skipped }) => sum + skipped, 0),
    tensors: checks.map((check) => toTensor(check, inputsOf(config, check.layer))),
  }
}

function toTensor(
  { worst, ...check }: TensorCheck,
  inputs: number,
): GradientAnswer['tensors'][number] {
  if (worst === null) return { ...check, max_relative_error: null, worst }
  const { index, analytic, numeric, relativeError } = worst
  const place = check.tensor === 'weight' ? [Math.floor(index / inputs), index % inputs] : [index]
  return {
    ...check,
    max_relative_error: relativeError,
    worst: { index: place, analytic, numeric },
  }
}

function inputsOf(config: ReturnType<typeof toNetworkConfig>, layer: number): number {
  return layer === 0 ? config.inputs : (config.layers[layer - 1]?.units ?? 0)
}
