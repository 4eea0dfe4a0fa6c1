/**
 * Backpropagation against central differences: the gradient by the chain rule and the one by moving a parameter and looking
 * at the loss know nothing of each other, so where they agree both are right.
 */
import type { TrainingData } from './backend.ts'
import { epochOrder, gatherBatch, rowLosses, weightedMean } from './backends/reference-batch.ts'
import { ReferenceNetwork } from './backends/reference-network.ts'
import { assertClassWeights, weighClasses } from './class-weights.ts'
import { assertCount, assertNetworkConfig, type NetworkConfig } from './config.ts'
import { assertTrainingData } from './data.ts'
import { EngineError } from './errors.ts'
import { KINK_DISTANCE, readSides } from './kinks.ts'
import { penaltyOf, type Regularization } from './penalty.ts'
import { permutation } from './random.ts'
import { element, type Matrix } from './tensor.ts'
import { type AnyLayerWeights, assertWeights } from './weights.ts'

export interface GradientCheckOptions {
  /** As in training; the batch is its first rows in the order of the first epoch. */
  training: TrainingData
  rows: number
  shuffle: boolean
  classWeights?: 'balanced' | readonly number[] | null
  regularization?: Regularization | null
  /** Of the order of rows, of the dropped units, and of the entries that are looked at. */
  seed: bigint
  /** Of larger tensors so many entries are drawn; all of them without. */
  entriesPerTensorMax?: number
}

export interface TensorCheck {
  layer: number
  tensor: 'weight' | 'bias' | 'gamma' | 'beta'
  /** Parameters in it. */
  entries: number
  checked: number
  /** Drawn, but within 2e-3 of a point where loss, slope or curvature break. */
  skipped: number
  /** The entry with the largest error; null if none was checked. */
  worst: { index: number; analytic: number; numeric: number; relativeError: number } | null
}

/**
 * What still is agreement. Round-off of the loss over the step leaves a difference of about 1e-12, which is a relative error of
 * 1e-6 for the smallest gradients; a wrong formula is off by 1e-2 and more.
 */
export const GRADIENT_TOLERANCE = 1e-5

/** Twice the step is the distance within which nothing may break. */
const STEP = KINK_DISTANCE / 2
/** Gradients below it are compared absolutely: what is left of them is round-off. */
const SCALE_MIN = 1e-6

/** (8(f(h) - f(-h)) - (f(2h) - f(-2h)))/12h */
const DIFFERENCES = [
  { steps: -2, factor: 1 },
  { steps: -1, factor: -8 },
  { steps: 1, factor: 8 },
  { steps: 2, factor: -1 },
] as const

interface Tensor {
  layer: number
  tensor: TensorCheck['tensor']
  values: Float64Array
  gradient: Float64Array
}

/**
 * Largest |a - n| / max(1e-6, |a| + |n|) of every tensor, a by backpropagation in training mode and n by central differences
 * of fourth order, (8(f(h) - f(-h)) - (f(2h) - f(-2h)))/12h with h = 1e-3, in float64. The cost is what training descends:
 * the weighted mean loss and the penalties, with the units dropped that its first step drops. The bias of a normalized layer
 * does not train and is left out. Throws as training would, and `invalid_data` for a batch without a finite loss.
 */
export function gradientCheck(
  config: NetworkConfig,
  weights: readonly AnyLayerWeights[],
  options: GradientCheckOptions,
): TensorCheck[] {
  assertOptions(config, weights, options)
  const { classWeights, seed, regularization, entriesPerTensorMax } = options
  const training = classWeights
    ? weighClasses(config, options.training, classWeights)
    : options.training
  const rows = epochOrder({ ...options, training }, 1).subarray(0, options.rows)
  const batch = gatherBatch(config, training, rows)
  const network = new ReferenceNetwork(config, weights)
  const pass = { seed, step: 0 }

  const look = () => {
    const logits = network.forward(batch.inputs, pass).at(-1) as Matrix
    return {
      losses: rowLosses(network, logits, batch.targets).values,
      sides: readSides(config, network, logits, batch.targets),
    }
  }
  const here = look()
  if (!Number.isFinite(weightedMean(here.losses, batch.weights))) {
    throw new EngineError('invalid_data', 'the rows of the batch have no finite loss')
  }
  network.backward(network.forward(batch.inputs, pass), batch.targets, batch.weights)
  network.addPenalty(regularization ?? {})

  return tensorsOf(network).map((tensor, number) => {
    const { layer, tensor: name, values, gradient } = tensor
    const penalty = name === 'weight' && regularization ? regularization : {}
    const check: TensorCheck = { layer, tensor: name, ...EMPTY, entries: values.length }
    for (const index of drawEntries(values.length, entriesPerTensorMax, seed, number)) {
      const numeric = differentiate(values, index, penalty)
      if (numeric === null) {
        check.skipped += 1
        continue
      }
      check.checked += 1
      const analytic = element(gradient, index)
      const scale = Math.max(SCALE_MIN, Math.abs(analytic) + Math.abs(numeric))
      const relativeError = Math.abs(analytic - numeric) / scale
      const worst = check.worst?.relativeError ?? -1
      // NaN is the worst of all and stays.
      if (!Number.isNaN(worst) && !(relativeError <= worst)) {
        check.worst = { index, analytic, numeric, relativeError }
      }
    }
    return check
  })

  /** null where something breaks on the way. */
  function differentiate(
    values: Float64Array,
    index: number,
    penalty: Regularization,
  ): number | null {
    const value = element(values, index)
    if ((penalty.l1 ?? 0) > 0 && Math.abs(value) <= KINK_DISTANCE) return null
    const slope = new Float64Array(rows.length)
    let penaltySlope = 0
    for (const { steps, factor } of DIFFERENCES) {
      values[index] = value + steps * STEP
      const { losses, sides } = look()
      // Row by row, as the mean of all losses would add its round-off; and of the penalty only what this entry changes.
      for (const [row, loss] of losses.entries()) {
        slope[row] = element(slope, row) + factor * (loss - element(here.losses, row))
      }
      penaltySlope += factor * penaltyOf(element(values, index), penalty)
      values[index] = value
      if (sides.some((side, i) => side !== here.sides[i])) return null
    }
    return ((weightedMean(slope, batch.weights) ?? Number.NaN) + penaltySlope) / (12 * STEP)
  }
}

const EMPTY = { checked: 0, skipped: 0, worst: null }

function tensorsOf({ layers }: ReferenceNetwork): Tensor[] {
  return layers.flatMap(({ parameters, gradient }, layer): Tensor[] => {
    const { weight, bias, batchNorm } = parameters
    const own = { layer, tensor: 'weight', values: weight.values, gradient: gradient.weight.values }
    if (batchNorm === null || gradient.batchNorm === null) {
      return [own, { layer, tensor: 'bias', values: bias, gradient: gradient.bias }] as Tensor[]
    }
    return [
      own,
      { layer, tensor: 'gamma', values: batchNorm.gamma, gradient: gradient.batchNorm.gamma },
      { layer, tensor: 'beta', values: batchNorm.beta, gradient: gradient.batchNorm.beta },
    ] as Tensor[]
  })
}

/** Indices of the entries to look at, ascending. */
function drawEntries(entries: number, max = entries, seed: bigint, tensor: number): Uint32Array {
  return permutation(seed, 'gradient-check', tensor, entries).subarray(0, max).toSorted()
}

function assertOptions(
  config: NetworkConfig,
  weights: readonly AnyLayerWeights[],
  { training, rows, classWeights }: GradientCheckOptions,
): void {
  assertNetworkConfig(config)
  if (config.loss === 'perceptron') {
    throw new EngineError('invalid_network', 'the rule of the perceptron is no gradient')
  }
  assertWeights(config, weights)
  assertTrainingData(config, training, 'training')
  assertCount(rows, 'rows', 'invalid_options')
  if (classWeights) assertClassWeights(config, classWeights)
}
