/** The loops over batches: one call trains an epoch, one call validates. */
import { gatherRows, gatherValues, isBelow, sumValues } from './elementwise'
import { job, moment, status } from './layout'
import { applyMask, drawMask } from './dropout'
import { backwardPass, forwardPass, lossOf, updateRunningStatistics } from './network'
import { updateParameters } from './optimizers'
import { addPenalty, clipGradient } from './regularization'
import { identityOrder, shuffleOrder } from './shuffle'

/** Asked before every batch if the job says so; anything but zero stops. */
// @ts-ignore: decorator
@external("env", "shouldStop")
declare function shouldStop(): i32

/** Called around the update of every batch from the one on that the job's record names; it only reads. */
// @ts-ignore: decorator
@external("env", "observe")
declare function observe(moment: i32, batch: i32): void

/**
 * One pass over the training rows. Returns a status; the job's record then holds the sum of losses,
 * the count of correct rows and the gradient's norm, or the batch at which the pass ended.
 */
export function trainEpoch(epoch: i32): i32 {
  const rows = load<i32>(job.trainingRows), batchSize = load<i32>(job.batchSize)
  const order = <usize>load<i32>(job.order)
  const asksToStop = load<i32>(job.asksToStop) != 0
  const firstStep = (epoch - 1) * ((rows + batchSize - 1) / batchSize)
  identityOrder(order, rows)
  if (load<i32>(job.shuffle)) shuffleOrder(order, rows, epoch)
  store<f64>(job.lossSum, 0)
  store<f64>(job.penaltySum, 0)
  store<i32>(job.correct, 0)
  for (let start = 0, batch = 0; start < rows; start += batchSize, batch++) {
    store<i32>(job.batch, batch)
    store<i32>(job.step, firstStep + batch)
    if (asksToStop && shouldStop() != 0) return status.stopped
    const count = min(batchSize, rows - start)
    const result = trainBatch(order + (<usize>start << 2), count, start + count == rows)
    if (result != status.completed) return result
    store<f64>(job.learningRate, load<f64>(job.learningRate) * load<f64>(job.rateFactor))
  }
  return status.completed
}

/** Loss and count of correct rows over the validation data, into the job's record. */
export function validate(): void {
  const rows = load<i32>(job.validationRows), blockRows = load<i32>(job.evaluationRows)
  const inputBytes = <usize>load<i32>(job.inputStride) << 2
  const targetBytes = <usize>load<i32>(job.targetStride) << 2
  const inputs = <usize>load<i32>(job.validationInputs), targets = <usize>load<i32>(job.validationTargets)
  const weighted = load<i32>(job.weighted) != 0
  const rowWeights = <usize>load<i32>(job.validationWeights), unitWeights = <usize>load<i32>(job.unitWeights)
  let loss: f64 = 0, total: f64 = 0
  store<i32>(job.correct, 0)
  for (let start = 0; start < rows; start += blockRows) {
    const count = min(blockRows, rows - start)
    const weights = weighted ? rowWeights + (<usize>start << 2) : unitWeights
    const weightSum = weighted ? sumValues(weights, count) : <f64>count
    forwardPass(inputs + <usize>start * inputBytes, count, true)
    loss += lossOf(count, targets + <usize>start * targetBytes, weights, weightSum)
    total += weightSum
  }
  store<f64>(job.lossSum, total == 0 ? 0 : loss * (<f64>rows / total))
}

/** Gathers one batch and updates the parameters, unless its loss or gradient is not finite. */
function trainBatch(order: usize, rows: i32, isLast: bool): i32 {
  const inputs = <usize>load<i32>(job.batchInputs), targets = <usize>load<i32>(job.batchTargets)
  gatherRows(<usize>load<i32>(job.trainingInputs), load<i32>(job.inputStride), order, rows, inputs)
  const targetStride = load<i32>(job.targetStride), trainingTargets = <usize>load<i32>(job.trainingTargets)
  if (targetStride == 1) gatherValues(trainingTargets, order, rows, targets)
  else gatherRows(trainingTargets, targetStride, order, rows, targets)

  let weights = <usize>load<i32>(job.unitWeights), weightSum = <f64>rows
  if (load<i32>(job.weighted)) {
    weights = <usize>load<i32>(job.batchWeights)
    gatherValues(<usize>load<i32>(job.trainingWeights), order, rows, weights)
    weightSum = sumValues(weights, rows)
  }

  const inputThreshold = load<i32>(job.inputDropoutThreshold)
  if (inputThreshold) {
    const n = rows * load<i32>(job.inputStride), mask = <usize>load<i32>(job.inputMask)
    drawMask(mask, n, load<i32>(job.inputDropoutStream), load<i32>(job.step), inputThreshold)
    applyMask(inputs, mask, inputs, n)
  }

  forwardPass(inputs, rows, false)
  const loss = lossOf(rows, targets, weights, weightSum)
  if (!isFinite(loss)) return status.loss_diverged
  // Without any weight there is no mean: the batch counts as a loss of zero.
  if (weightSum == 0) {
    store<f64>(job.gradientNorm, 0)
    return status.completed
  }
  backwardPass(inputs, rows)
  const penalty = addPenalty()
  const gradient = <usize>load<i32>(job.gradient)
  const floats = load<i32>(job.parameterBytes) >> 2
  const isBounded = isBelow(gradient, floats, <f32>load<f64>(job.gradientLimit))
  if (!(isBounded && isFinite(penalty))) return status.gradient_diverged
  const batch = load<i32>(job.batch)
  const isObserved = batch >= load<i32>(job.nextObserved)
  if (isObserved) observe(moment.before_update, batch)
  clipGradient(gradient, floats, isLast)
  updateParameters()
  if (isObserved) observe(moment.after_update, batch)
  updateRunningStatistics(rows)
  store<f64>(job.penaltySum, load<f64>(job.penaltySum) + penalty * <f64>rows)
  store<f64>(job.lossSum, load<f64>(job.lossSum) + loss * (<f64>rows / weightSum))
  return status.completed
}
