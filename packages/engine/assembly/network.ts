/**
 * Forward and backward pass of one block of rows through the layers of the job's record. This file
 * and epoch.ts only call: V8 replaces a Wasm function by its optimized version at the next call, so
 * a loop that ran for a whole epoch would stay in the baseline code.
 */
import { applyActivation, applyActivationDerivative } from './activations'
import { batchStatistics, blend, invertDeviation, normalizationGradient, normalizeRows, scaleGradient } from './batch-norm'
import { applyMask, drawMask } from './dropout'
import { fillRows, sumRows } from './elementwise'
import { job, layer, loss } from './layout'
import { binaryCrossEntropy, crossEntropy, hinge, huber, meanAbsoluteError, meanSquaredError, perceptron } from './losses'
import { multiplyDirect, multiplyDirectTransposed, transpose } from './matmul-direct'
import { multiplyPacked } from './matmul-packed'

/** Logits of inputs [rows, inputStride] into the last layer's outputs. */
export function forwardPass(inputs: usize, rows: i32, isEvaluation: bool): void {
  const packedField = isEvaluation ? layer.evaluationPacked : layer.forwardPacked
  for (let at = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    const k = load<i32>(at + layer.inputs)
    const stride = load<i32>(at + layer.unitStride)
    const strideIn = strideBytes(at + layer.inputStride), strideOut = <usize>stride << 2
    const weight = <usize>load<i32>(at + layer.weight)
    const sums = <usize>load<i32>(at + layer.sums), outputs = <usize>load<i32>(at + layer.outputs)
    fillRows(sums, rows, stride, weight + <usize>k * strideOut)
    if (load<i32>(at + packedField)) {
      multiplyPacked(false, false, rows, stride, k, inputs, strideIn, weight, strideOut, sums, strideOut, true)
    } else {
      multiplyDirect(rows, stride, k, inputs, strideIn, weight, strideOut, sums, strideOut, true)
    }
    if (load<i32>(at + layer.batchNorm)) normalize(at, sums, rows, isEvaluation)
    applyActivation(load<i32>(at + layer.activation), sums, outputs, rows * stride)
    inputs = outputs
    if (!isEvaluation && load<i32>(at + layer.dropoutThreshold)) inputs = dropOut(at, outputs, rows * stride)
  }
}

/**
 * Sum of the rows' losses times their weights [rows]; the gradient of the weighted mean goes to the
 * last layer's delta. Without any weight that gradient is zero.
 */
export function lossOf(rows: i32, targets: usize, weights: usize, weightSum: f64): f64 {
  const last = layersEnd() - layer.bytes
  const logits = <usize>load<i32>(last + layer.outputs)
  const delta = <usize>load<i32>(last + layer.delta)
  const stride = load<i32>(last + layer.unitStride), units = load<i32>(last + layer.units)
  const scale: f32 = weightSum == 0 ? 0 : <f32>1.0 / <f32>weightSum
  switch (load<i32>(job.loss)) {
    case loss.cross_entropy:
      return crossEntropy(logits, stride, units, rows, targets, weights, scale, delta)
    case loss.binary_cross_entropy:
      return binaryCrossEntropy(logits, stride, rows, targets, weights, scale, delta)
    case loss.hinge:
      return hinge(logits, stride, units, rows, targets, weights, scale, delta)
    case loss.perceptron:
      return perceptron(logits, stride, units, rows, targets, weights, scale, delta)
    case loss.mae:
      return meanAbsoluteError(logits, stride, units, rows, targets, weights, scale, delta)
    case loss.huber:
      return huber(logits, stride, units, rows, targets, weights, scale, delta)
    default:
      return meanSquaredError(logits, stride, units, rows, targets, weights, scale, delta)
  }
}

/** Gradient of every parameter from the last layer's delta. */
export function backwardPass(batchInputs: usize, rows: i32): void {
  for (let at = layersEnd() - layer.bytes; at > job.layers; at -= layer.bytes) {
    const below = at - layer.bytes
    const dropsOut = load<i32>(below + layer.dropoutThreshold) != 0
    parameterGradient(at, <usize>load<i32>(below + (dropsOut ? layer.dropped : layer.outputs)), rows)
    inputGradient(at, below, rows)
  }
  parameterGradient(job.layers, batchInputs, rows)
}

/** ∂L/∂W = Aᵀ δ over inputs A [rows, inputStride], ∂L/∂b = Σ δ. */
function parameterGradient(at: usize, inputs: usize, rows: i32): void {
  const m = load<i32>(at + layer.inputs)
  const stride = load<i32>(at + layer.unitStride)
  const strideIn = strideBytes(at + layer.inputStride), strideOut = <usize>stride << 2
  const delta = <usize>load<i32>(at + layer.delta)
  const gradient = <usize>load<i32>(at + layer.weightGradient)
  if (load<i32>(at + layer.weightGradientPacked)) {
    multiplyPacked(true, false, m, stride, rows, inputs, strideIn, delta, strideOut, gradient, strideOut, false)
  } else {
    multiplyDirectTransposed(m, stride, rows, inputs, strideIn, delta, strideOut, gradient, strideOut)
  }
  // The mean that batch normalization subtracts takes the bias with it: its gradient is never written.
  if (!load<i32>(at + layer.batchNorm)) sumRows(delta, rows, stride, gradient + <usize>m * strideOut)
}

/** The layer below gets δ Wᵀ · f'. */
function inputGradient(at: usize, below: usize, rows: i32): void {
  const units = load<i32>(at + layer.units), inputs = load<i32>(at + layer.inputs)
  const stride = load<i32>(at + layer.inputStride)
  const strideIn = <usize>stride << 2, strideOut = strideBytes(at + layer.unitStride)
  const weight = <usize>load<i32>(at + layer.weight)
  const delta = <usize>load<i32>(at + layer.delta), deltaBelow = <usize>load<i32>(below + layer.delta)
  if (load<i32>(at + layer.inputGradientPacked)) {
    // Writes the real columns only; the padding was never anything but zero.
    multiplyPacked(false, true, rows, inputs, units, delta, strideOut, weight, strideOut, deltaBelow, strideIn, false)
  } else {
    const transposed = <usize>load<i32>(job.transposed)
    transpose(weight, strideOut, inputs, units, transposed)
    multiplyDirect(rows, stride, units, delta, strideOut, transposed, strideIn, deltaBelow, strideIn, false)
  }
  if (load<i32>(below + layer.dropoutThreshold)) {
    applyMask(deltaBelow, <usize>load<i32>(below + layer.mask), deltaBelow, rows * stride)
  }
  const sums = <usize>load<i32>(below + layer.sums), outputs = <usize>load<i32>(below + layer.outputs)
  applyActivationDerivative(load<i32>(below + layer.activation), sums, outputs, deltaBelow, rows * stride)
  if (load<i32>(below + layer.batchNorm)) throughNormalization(below, deltaBelow, rows)
}

/** Draws the step's mask of a layer and returns where its outputs after dropout are. */
function dropOut(at: usize, outputs: usize, n: i32): usize {
  const mask = <usize>load<i32>(at + layer.mask), dropped = <usize>load<i32>(at + layer.dropped)
  drawMask(mask, n, load<i32>(at + layer.dropoutStream), load<i32>(job.step), load<i32>(at + layer.dropoutThreshold))
  applyMask(outputs, mask, dropped, n)
  return dropped
}

/** Sums [rows, unitStride] in place: by their own statistics in a training batch of two rows or more. */
function normalize(at: usize, sums: usize, rows: i32, isEvaluation: bool): void {
  const stride = load<i32>(at + layer.unitStride)
  const running = <usize>load<i32>(at + layer.running), statistics = <usize>load<i32>(at + layer.statistics)
  const bytes = <usize>stride << 2
  const usesBatch = !isEvaluation && rows > 1
  if (usesBatch) batchStatistics(sums, rows, stride, statistics, statistics + bytes)
  const mean = usesBatch ? statistics : running
  const inverse = statistics + 2 * bytes
  invertDeviation(mean + bytes, stride, inverse)
  const gamma = gammaOf(at, layer.weight)
  const normalized = isEvaluation ? sums : <usize>load<i32>(at + layer.normalized)
  normalizeRows(sums, rows, stride, mean, inverse, gamma, gamma + bytes, normalized)
}

/** delta [rows, unitStride] from the outputs of a normalization to its inputs, in place. */
function throughNormalization(at: usize, delta: usize, rows: i32): void {
  const stride = load<i32>(at + layer.unitStride)
  const bytes = <usize>stride << 2
  const inverse = <usize>load<i32>(at + layer.statistics) + 2 * bytes, normalized = <usize>load<i32>(at + layer.normalized)
  const gradient = gammaOf(at, layer.weightGradient)
  scaleGradient(delta, normalized, rows, stride, gradient, gradient + bytes)
  normalizationGradient(delta, normalized, rows, stride, gammaOf(at, layer.weight), inverse, gradient, gradient + bytes, rows == 1)
}

/** Takes the statistics of a batch of so many rows into the running ones; the unbiased variance. */
export function updateRunningStatistics(rows: i32): void {
  if (rows == 1 || !load<i32>(job.normalizes)) return
  for (let at: usize = job.layers, end = layersEnd(); at < end; at += layer.bytes) {
    if (!load<i32>(at + layer.batchNorm)) continue
    const stride = load<i32>(at + layer.unitStride)
    const running = <usize>load<i32>(at + layer.running), statistics = <usize>load<i32>(at + layer.statistics)
    const bytes = <usize>stride << 2
    blend(running, statistics, stride, 1)
    blend(running + bytes, statistics + bytes, stride, <f64>rows / <f64>(rows - 1))
  }
}

/** γ behind the weights and the bias, or behind their gradients; β follows. */
// @ts-ignore: decorator
@inline
function gammaOf(at: usize, field: usize): usize {
  return <usize>load<i32>(at + field) + <usize>(load<i32>(at + layer.inputs) + 1) * strideBytes(at + layer.unitStride)
}

// @ts-ignore: decorator
@inline
function layersEnd(): usize {
  return job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
}

// @ts-ignore: decorator
@inline
function strideBytes(field: usize): usize {
  return <usize>load<i32>(field) << 2
}
