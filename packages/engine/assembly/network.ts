/**
 * Forward and backward pass of one block of rows through the layers of the job's record. A thread takes
 * `rows` rows from `first` of a batch of `batchRows`; of gradients it takes its share of each layer's
 * rows of parameters, over all rows of the batch. This file
 * and epoch.ts only call: V8 replaces a Wasm function by its optimized version at the next call, so
 * a loop that ran for a whole epoch would stay in the baseline code.
 */
import { applyActivation, applyActivationDerivative } from './activations'
import {
  batchStatistics, blend, blockGradients, blockStatistics, invertDeviation, normalizationGradient, normalizeRows, scaleGradient,
} from './batch-norm'
import { applyMask, drawMask } from './dropout'
import { fillRows, sumRows } from './elementwise'
import { job, layer, loss, normalization } from './layout'
import { binaryCrossEntropy, crossEntropy, hinge, huber, meanAbsoluteError, meanSquaredError, perceptron } from './losses'
import { multiplyDirect, multiplyDirectTransposed, transpose } from './matmul-direct'
import { multiplyPacked, multiplyPanelled, packMatrix } from './matmul-packed'
import { updateParameters } from './optimizers'
import { clipGradient, regularizeGradient } from './regularization'
import { barrier, scratchOffset, shareStart, threadCount, threadIndex } from './team'

/** Rows of parameters come in shares of a multiple of this, for the products' tiles. */
const SHARE_ROWS: i32 = 4

/** Logits of inputs [batchRows, inputStride] into the last layer's outputs. */
export function forwardPass(inputs: usize, first: i32, rows: i32, batchRows: i32, isEvaluation: bool): void {
  const packedField = isEvaluation ? layer.evaluationPacked : layer.forwardPacked
  for (let at = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const k = load<i32>(at + layer.inputs)
    const stride = load<i32>(at + layer.unitStride)
    const strideIn = strideBytes(at + layer.inputStride), strideOut = <usize>stride << 2
    const weight = <usize>load<i32>(at + layer.weight)
    const own = <usize>first * strideOut, ownInputs = inputs + <usize>first * strideIn
    const sums = <usize>load<i32>(at + layer.sums) + own, outputs = <usize>load<i32>(at + layer.outputs)
    fillRows(sums, rows, stride, weight + <usize>k * strideOut)
    const panels = isEvaluation ? <usize>load<i32>(at + layer.panels) : 0
    if (panels != 0) {
      multiplyPanelled(rows, stride, k, ownInputs, strideIn, panels, sums, strideOut)
    } else if (load<i32>(at + packedField)) {
      multiplyPacked(false, false, rows, stride, k, ownInputs, strideIn, weight, strideOut, sums, strideOut, true)
    } else {
      multiplyDirect(rows, stride, k, ownInputs, strideIn, weight, strideOut, sums, strideOut, true)
    }
    if (load<i32>(at + layer.batchNorm)) normalize(at, sums, first, rows, batchRows, isEvaluation)
    applyActivation(load<i32>(at + layer.activation), sums, outputs + own, rows * stride)
    inputs = outputs
    if (!isEvaluation && load<i32>(at + layer.dropoutThreshold)) inputs = dropOut(at, outputs, first * stride, rows * stride)
  }
}

/** The weights of every layer into its panels, where it has any: once for all predictions. */
export function packWeights(): void {
  for (let at = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const panels = <usize>load<i32>(at + layer.panels), stride = load<i32>(at + layer.unitStride)
    if (panels != 0) packMatrix(stride, load<i32>(at + layer.inputs), <usize>load<i32>(at + layer.weight), <usize>stride << 2, panels)
  }
}

/**
 * The rows' losses times their weights into losses [rows] of float64; the gradient of the weighted
 * mean goes to the last layer's delta. Without any weight that gradient is zero. targets, weights and
 * losses point to the first row.
 */
export function lossOf(first: i32, rows: i32, targets: usize, weights: usize, weightSum: f64, losses: usize): void {
  const last = layersEnd() - layer.bytes
  const stride = load<i32>(last + layer.unitStride), units = load<i32>(last + layer.units)
  const own = <usize>(first * stride) << 2
  const logits = <usize>load<i32>(last + layer.outputs) + own
  const delta = <usize>load<i32>(last + layer.delta) + own
  const scale: f32 = weightSum == 0 ? 0 : <f32>1.0 / <f32>weightSum
  switch (load<i32>(job.loss)) {
    case loss.cross_entropy:
      return crossEntropy(logits, stride, units, rows, targets, weights, scale, delta, losses)
    case loss.binary_cross_entropy:
      return binaryCrossEntropy(logits, stride, rows, targets, weights, scale, delta, losses)
    case loss.hinge:
      return hinge(logits, stride, units, rows, targets, weights, scale, delta, losses)
    case loss.perceptron:
      return perceptron(logits, stride, units, rows, targets, weights, scale, delta, losses)
    case loss.mae:
      return meanAbsoluteError(logits, stride, units, rows, targets, weights, scale, delta, losses)
    case loss.huber:
      return huber(logits, stride, units, rows, targets, weights, scale, delta, losses)
    default:
      return meanSquaredError(logits, stride, units, rows, targets, weights, scale, delta, losses)
  }
}

/** The delta of every layer from the last layer's. */
export function propagateDelta(first: i32, rows: i32, batchRows: i32): void {
  for (let at = layersEnd() - layer.bytes; at > job.layers; at -= layer.bytes) {
    inputGradient(at, at - layer.bytes, first, rows, batchRows)
  }
}

/**
 * Gradient of this thread's share of the parameters from the deltas of all rows of the batch, penalty
 * included. False if it is not finite or too large.
 */
export function parameterGradients(batchInputs: usize, batchRows: i32, needsNorm: bool): bool {
  let isBounded = true
  for (let at: usize = job.layers, inputs = batchInputs, end = layersEnd(); at < end; at += layer.bytes) {
    const first = firstParameterRow(at, threadIndex), last = firstParameterRow(at, threadIndex + 1)
    parameterGradient(at, inputs, batchRows, first, last)
    isBounded = isBounded && regularizeGradient(at, first, last, needsNorm)
    inputs = <usize>load<i32>(at + (load<i32>(at + layer.dropoutThreshold) ? layer.dropped : layer.outputs))
  }
  return isBounded
}

/** Clips and updates this thread's share of the parameters, whose gradients it has at hand. */
export function updateShare(gradientNorm: f64): void {
  // Alone, it has all layers, one after the other.
  if (threadCount == 1) return updateRange(0, load<i32>(job.parameterBytes), gradientNorm)
  const parameters = load<i32>(job.parameters)
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const bytes = load<i32>(at + layer.unitStride) << 2, start = load<i32>(at + layer.weight) - parameters
    const first = start + firstParameterRow(at, threadIndex) * bytes
    updateRange(first, start + firstParameterRow(at, threadIndex + 1) * bytes, gradientNorm)
  }
}

function updateRange(first: usize, last: usize, gradientNorm: f64): void {
  clipGradient(first, last, gradientNorm)
  updateParameters(first, last)
}

/**
 * The first row of a layer's parameters [inputs + 1 or + 3, unitStride] that a thread takes. Bias, γ
 * and β lie behind the weights and go to the last thread.
 */
// @ts-ignore: decorator
@inline
function firstParameterRow(at: usize, thread: i32): i32 {
  const inputs = load<i32>(at + layer.inputs)
  if (thread == threadCount) return inputs + (load<i32>(at + layer.batchNorm) ? 3 : 1)
  return shareStart(inputs, SHARE_ROWS, thread)
}

/** ∂L/∂W = Aᵀ δ over inputs A [rows, inputStride], ∂L/∂b = Σ δ, of a share of the rows of W and what follows. */
function parameterGradient(at: usize, inputs: usize, rows: i32, first: i32, last: i32): void {
  const weightRows = load<i32>(at + layer.inputs), m = min(last, weightRows) - first
  const stride = load<i32>(at + layer.unitStride)
  const strideIn = strideBytes(at + layer.inputStride), strideOut = <usize>stride << 2
  const delta = <usize>load<i32>(at + layer.delta)
  const gradient = <usize>load<i32>(at + layer.weightGradient)
  const columns = inputs + (<usize>first << 2), target = gradient + <usize>first * strideOut
  if (load<i32>(at + layer.weightGradientPacked)) {
    multiplyPacked(true, false, m, stride, rows, columns, strideIn, delta, strideOut, target, strideOut, false)
  } else {
    multiplyDirectTransposed(m, stride, rows, columns, strideIn, delta, strideOut, target, strideOut)
  }
  if (last <= weightRows) return
  // The mean that batch normalization subtracts takes the bias with it: its gradient is never written.
  if (!load<i32>(at + layer.batchNorm)) sumRows(delta, rows, stride, gradient + <usize>weightRows * strideOut)
  else memory.copy(gammaOf(at, layer.weightGradient), statisticsOf(at) + 3 * strideOut, 2 * strideOut)
}

/** The layer below gets δ Wᵀ · f'. */
function inputGradient(at: usize, below: usize, first: i32, rows: i32, batchRows: i32): void {
  const units = load<i32>(at + layer.units), inputs = load<i32>(at + layer.inputs)
  const stride = load<i32>(at + layer.inputStride)
  const strideIn = <usize>stride << 2, strideOut = strideBytes(at + layer.unitStride)
  const weight = <usize>load<i32>(at + layer.weight)
  const own = <usize>first * strideIn
  const delta = <usize>load<i32>(at + layer.delta) + <usize>first * strideOut
  const deltaBelow = <usize>load<i32>(below + layer.delta) + own
  if (load<i32>(at + layer.inputGradientPacked)) {
    // Writes the real columns only; the padding was never anything but zero.
    multiplyPacked(false, true, rows, inputs, units, delta, strideOut, weight, strideOut, deltaBelow, strideIn, false)
  } else {
    const transposed = <usize>load<i32>(job.transposed) + scratchOffset
    transpose(weight, strideOut, inputs, units, transposed)
    multiplyDirect(rows, stride, units, delta, strideOut, transposed, strideIn, deltaBelow, strideIn, false)
  }
  if (load<i32>(below + layer.dropoutThreshold)) {
    applyMask(deltaBelow, <usize>load<i32>(below + layer.mask) + own, deltaBelow, rows * stride)
  }
  const sums = <usize>load<i32>(below + layer.sums) + own, outputs = <usize>load<i32>(below + layer.outputs) + own
  applyActivationDerivative(load<i32>(below + layer.activation), sums, outputs, deltaBelow, rows * stride)
  if (load<i32>(below + layer.batchNorm)) throughNormalization(below, deltaBelow, first, rows, batchRows)
}

/** Draws n values of the step's mask of a layer and returns where its outputs after dropout are. */
function dropOut(at: usize, outputs: usize, first: i32, n: i32): usize {
  const own = <usize>first << 2
  const mask = <usize>load<i32>(at + layer.mask) + own, dropped = <usize>load<i32>(at + layer.dropped)
  drawMask(mask, first, n, load<i32>(at + layer.dropoutStream), load<i32>(job.step), load<i32>(at + layer.dropoutThreshold))
  applyMask(outputs + own, mask, dropped + own, n)
  return dropped
}

/** Sums [rows, unitStride] in place: by the batch's statistics in a training batch of two rows or more. */
function normalize(at: usize, sums: usize, first: i32, rows: i32, batchRows: i32, isEvaluation: bool): void {
  const stride = load<i32>(at + layer.unitStride)
  const running = <usize>load<i32>(at + layer.running), statistics = statisticsOf(at)
  const bytes = <usize>stride << 2
  const usesBatch = !isEvaluation && batchRows > 1
  if (usesBatch) {
    const blocks = <usize>load<i32>(at + layer.statisticBlocks)
    blockStatistics(sums, rows, stride, blocks + blockOffset(first, bytes))
    barrier()
    batchStatistics(blocks, batchRows, stride, statistics, statistics + bytes)
  }
  const mean = usesBatch ? statistics : running
  const inverse = statistics + 2 * bytes
  invertDeviation(mean + bytes, stride, inverse)
  const gamma = gammaOf(at, layer.weight)
  const normalized = isEvaluation ? sums : <usize>load<i32>(at + layer.normalized) + <usize>first * bytes
  normalizeRows(sums, rows, stride, mean, inverse, gamma, gamma + bytes, normalized)
}

/** delta [rows, unitStride] from the outputs of a normalization to its inputs, in place. */
function throughNormalization(at: usize, delta: usize, first: i32, rows: i32, batchRows: i32): void {
  const stride = load<i32>(at + layer.unitStride)
  const bytes = <usize>stride << 2
  const inverse = statisticsOf(at) + 2 * bytes, gradient = statisticsOf(at) + 3 * bytes
  const normalized = <usize>load<i32>(at + layer.normalized) + <usize>first * bytes
  const blocks = <usize>load<i32>(at + layer.gradientBlocks)
  blockGradients(delta, normalized, rows, stride, blocks + blockOffset(first, bytes))
  barrier()
  scaleGradient(blocks, batchRows, stride, gradient)
  const share: f32 = batchRows == 1 ? 0 : <f32>1.0 / <f32>batchRows
  normalizationGradient(delta, normalized, rows, stride, gammaOf(at, layer.weight), inverse, gradient, share)
}

/** Takes the statistics of a batch of so many rows into the running ones; the unbiased variance. */
export function updateRunningStatistics(rows: i32): void {
  if (rows == 1 || !load<i32>(job.normalizes)) return
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    if (!load<i32>(at + layer.batchNorm)) continue
    const stride = load<i32>(at + layer.unitStride)
    const running = <usize>load<i32>(at + layer.running), statistics = statisticsOf(at)
    const bytes = <usize>stride << 2
    blend(running, statistics, stride, 1)
    blend(running + bytes, statistics + bytes, stride, <f64>rows / <f64>(rows - 1))
  }
}

/**
 * This thread's statistics of a normalized layer: mean, variance, 1/√(variance + ε), ∂L/∂γ and ∂L/∂β.
 * Each thread has its own, or one would have to wait for another to have written them.
 */
// @ts-ignore: decorator
@inline
function statisticsOf(at: usize): usize {
  return <usize>load<i32>(at + layer.statistics) + <usize>(threadIndex * normalization.vectors) * strideBytes(at + layer.unitStride)
}

/** Two vectors for each block of rows before the first row, which begins a block. */
// @ts-ignore: decorator
@inline
function blockOffset(first: i32, bytes: usize): usize {
  return <usize>((first + normalization.blockRows - 1) / normalization.blockRows) * 2 * bytes
}

/** γ behind the weights and the bias, or behind their gradients; β follows. */
// @ts-ignore: decorator
@inline
function gammaOf(at: usize, field: usize): usize {
  return <usize>load<i32>(at + field) + <usize>(load<i32>(at + layer.inputs) + 1) * strideBytes(at + layer.unitStride)
}

// @ts-ignore: decorator
@inline
export function layersEnd(): usize {
  return job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
}

// @ts-ignore: decorator
@inline
function strideBytes(field: usize): usize {
  return <usize>load<i32>(field) << 2
}
