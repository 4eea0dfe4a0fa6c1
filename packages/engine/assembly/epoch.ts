/**
 * The loops over batches: one call trains an epoch, one call validates. A step has three parts with a
 * barrier behind each: of its rows of the batch a thread computes outputs, losses and deltas; of its
 * rows of each weight matrix the gradient over the whole batch; then it updates its part of the
 * parameters. No sum goes over what one thread happens to have, so the number of threads changes
 * nothing.
 */
import { augmentRows } from './augmentation'
import { applyMask, drawMask } from './dropout'
import { gatherRows, gatherValues, sumDoubles, sumGathered, sumValues } from './elementwise'
import { job, moment, normalization, status, work } from './layout'
import { measureOutputs, measureStep, measureUpdate } from './layer-statistics'
import { lossOfMixed, mixRows } from './mixup'
import { forwardPass, lossOf, parameterGradients, propagateDelta, updateRunningStatistics, updateShare } from './network'
import { advancePowers } from './optimizers'
import { gradientNorm, penaltyOfBatch } from './regularization'
import { identityOrder, shuffleOrder } from './shuffle'
import { awaitRound, barrier, callTeam, isLeader, joinTeam, shareStart, threadIndex } from './team'

/** Rows come in shares of a multiple of this, so that masks begin with whole draws and no vector is cut. */
const SHARE_ROWS: i32 = 4

/** Asked before every batch if the job says so: the status in which to end the pass there, or 0. */
// @ts-ignore: decorator
@external("env", "beforeBatch")
declare function beforeBatch(): i32

/** Called when what the job's record says to observe is complete, or was missed; it only reads. */
// @ts-ignore: decorator
@external("env", "observe")
declare function observe(moment: i32, batch: i32): void

/** The order of the rows in an epoch, and sums of zero. */
export function beginEpoch(epoch: i32): void {
  const rows = load<i32>(job.trainingRows), order = <usize>load<i32>(job.order)
  identityOrder(order, rows)
  if (load<i32>(job.shuffle)) shuffleOrder(order, rows, epoch)
  store<f64>(job.lossSum, 0)
  store<f64>(job.penaltySum, 0)
  store<i32>(job.correct, 0)
}

/**
 * One pass over the training rows of an epoch that has begun, from a batch on: 0 but for a pass that was
 * interrupted. Returns a status; the job's record then holds the sum of losses, the count of correct rows
 * and the gradient's norm, or the batch at which the pass ended.
 */
export function trainEpoch(epoch: i32, firstBatch: i32): i32 {
  store<i32>(job.work, work.train)
  store<i32>(job.epoch, epoch)
  store<i32>(job.firstBatch, firstBatch)
  callTeam()
  return trainBatches()
}

/** Loss and count of correct rows over the validation data, into the job's record. */
export function validate(): void {
  store<i32>(job.correct, 0)
  store<i32>(job.work, work.validate)
  callTeam()
  validateShare()
  const rows = load<i32>(job.validationRows)
  const total = load<i32>(job.weighted) ? sumValues(<usize>load<i32>(job.validationWeights), rows) : <f64>rows
  const loss = sumDoubles(<usize>load<i32>(job.rowLosses), rows)
  store<f64>(job.lossSum, total == 0 ? 0 : loss * (<f64>rows / total))
}

/** What a helping thread runs: its share of all that the leader calls the team to, until the job ends. */
export function assist(): void {
  for (let round = awaitRound(joinTeam()); round != 0; round = awaitRound(round)) {
    if (load<i32>(job.work) == work.train) trainBatches()
    else validateShare()
  }
}

/** Every thread returns the same status, and none is still at work when one returns. */
function trainBatches(): i32 {
  const rows = load<i32>(job.trainingRows), batchSize = load<i32>(job.batchSize)
  const order = <usize>load<i32>(job.order)
  const firstStep = (load<i32>(job.epoch) - 1) * ((rows + batchSize - 1) / batchSize)
  let result: i32 = status.completed
  for (let batch = load<i32>(job.firstBatch), start = batch * batchSize; start < rows; start += batchSize, batch++) {
    if (isLeader()) announceBatch(batch, firstStep + batch)
    barrier()
    result = load<i32>(job.answer)
    if (result != status.completed) break
    const count = min(batchSize, rows - start)
    result = trainBatch(order + (<usize>start << 2), count, start + count == rows)
    if (result != status.completed) break
  }
  barrier()
  return result
}

/** The leader's part before a batch, while the others may still be updating. */
function announceBatch(batch: i32, step: i32): void {
  store<i32>(job.batch, batch)
  store<i32>(job.step, step)
  store<i32>(job.answer, load<i32>(job.asksBeforeBatch) ? beforeBatch() : 0)
}

function validateShare(): void {
  const rows = load<i32>(job.validationRows), blockRows = load<i32>(job.evaluationRows)
  for (let start = 0; start < rows; start += blockRows) evaluateBlock(start, min(blockRows, rows - start))
  barrier()
}

/**
 * Losses of this thread's rows of a block of validation rows. All blocks are cut at the same rows, also a shorter last one:
 * nobody waits between blocks, and a thread that is ahead must not write where another still reads.
 */
function evaluateBlock(start: i32, blockRows: i32): void {
  const wholeRows = load<i32>(job.evaluationRows)
  const first = min(blockRows, shareStart(wholeRows, SHARE_ROWS, threadIndex))
  const rows = min(blockRows, shareStart(wholeRows, SHARE_ROWS, threadIndex + 1)) - first
  if (rows == 0) return
  const row = <usize>(start + first)
  const inputs = <usize>load<i32>(job.validationInputs) + <usize>start * (<usize>load<i32>(job.inputStride) << 2)
  const targets = <usize>load<i32>(job.validationTargets) + row * (<usize>load<i32>(job.targetStride) << 2)
  const weighted = load<i32>(job.weighted) != 0
  const weights = weighted ? <usize>load<i32>(job.validationWeights) + (row << 2) : <usize>load<i32>(job.unitWeights)
  forwardPass(inputs, first, rows, blockRows, true)
  // The gradient is not used: whatever the sum of the weights.
  lossOf(first, rows, targets, weights, 1, <usize>load<i32>(job.rowLosses) + (row << 3))
}

/** This thread's share of one step, unless loss or gradient of the batch are not finite. */
function trainBatch(order: usize, batchRows: i32, isLast: bool): i32 {
  const weightSum = load<i32>(job.weighted)
    ? sumGathered(<usize>load<i32>(job.trainingWeights), order, batchRows)
    : <f64>batchRows
  if (isLeader() && load<i32>(job.batch) > 0) {
    store<f64>(job.learningRate, load<f64>(job.learningRate) * load<f64>(job.rateFactor))
  }
  computeRows(order, batchRows, weightSum)
  barrier()
  const loss = sumDoubles(<usize>load<i32>(job.rowLosses), batchRows)
  if (!isFinite(loss)) return status.loss_diverged
  // Without any weight there is no mean: the batch counts as a loss of zero.
  if (weightSum == 0) {
    if (isLeader()) store<f64>(job.gradientNorm, 0)
    return status.completed
  }
  // Read before the leader changes it, which it does after the update.
  const batch = load<i32>(job.batch), isObserved = batch >= load<i32>(job.nextObserved)
  if (isLeader()) advancePowers()
  const needsNorm = isLast || load<f64>(job.clipNorm) > 0
  if (!parameterGradients(<usize>load<i32>(job.batchInputs), batchRows, needsNorm)) store<i32>(job.overflows, 1)
  barrier()
  if (load<i32>(job.overflows)) return status.gradient_diverged
  if (isObserved) observePass(batch, batchRows)
  const isComplete = isObserved && batch == load<i32>(job.lastObserved)
  const norm = needsNorm ? gradientNorm() : 0
  if (isLeader()) {
    if (needsNorm) store<f64>(job.gradientNorm, norm)
    updateRunningStatistics(batchRows)
    store<f64>(job.penaltySum, load<f64>(job.penaltySum) + penaltyOfBatch() * <f64>batchRows)
    store<f64>(job.lossSum, load<f64>(job.lossSum) + loss * (<f64>batchRows / weightSum))
  }
  updateShare(norm)
  if (isComplete) observeUpdate(batch)
  return status.completed
}

/** The leader alone measures and talks to JavaScript; the others wait, as what they do next would change what it looks at. */
function observePass(batch: i32, rows: i32): void {
  barrier()
  if (isLeader()) measurePass(batch, rows)
  barrier()
}

function measurePass(batch: i32, rows: i32): void {
  // The last batch to observe had no weight, and updated nothing.
  if (batch > load<i32>(job.lastObserved)) observe(moment.missed, batch)
  if (batch < load<i32>(job.nextObserved)) return
  measureOutputs(rows)
  if (batch < load<i32>(job.lastObserved)) return
  measureStep()
  if (load<i32>(job.observesValues)) observe(moment.before_update, batch)
}

function observeUpdate(batch: i32): void {
  barrier()
  if (isLeader()) {
    measureUpdate()
    observe(moment.after_update, batch)
  }
  barrier()
}

/** Outputs, losses and deltas of this thread's rows of the batch. */
function computeRows(order: usize, batchRows: i32, weightSum: f64): void {
  // Sums over the rows of a batch are taken in blocks, which only normalization needs.
  const unit = load<i32>(job.normalizes) ? normalization.blockRows : SHARE_ROWS
  const first = shareStart(batchRows, unit, threadIndex), rows = shareStart(batchRows, unit, threadIndex + 1) - first
  const row = <usize>first
  const inputs = <usize>load<i32>(job.batchInputs), inputStride = load<i32>(job.inputStride)
  const ownInputs = inputs + row * (<usize>inputStride << 2)
  const ownOrder = order + (row << 2)
  gatherRows(<usize>load<i32>(job.trainingInputs), inputStride, ownOrder, rows, ownInputs)
  if (load<i32>(job.augmentationCount)) augmentRows(ownOrder, rows, ownInputs)
  const mixes = load<f64>(job.mixupAlpha) > 0
  if (mixes) mixRows(ownOrder, first, rows, ownInputs)
  const targetStride = load<i32>(job.targetStride), trainingTargets = <usize>load<i32>(job.trainingTargets)
  const targets = <usize>load<i32>(job.batchTargets) + row * (<usize>targetStride << 2)
  if (targetStride == 1) gatherValues(trainingTargets, ownOrder, rows, targets)
  else gatherRows(trainingTargets, targetStride, ownOrder, rows, targets)
  let weights = <usize>load<i32>(job.unitWeights)
  if (load<i32>(job.weighted)) {
    weights = <usize>load<i32>(job.batchWeights) + (row << 2)
    gatherValues(<usize>load<i32>(job.trainingWeights), ownOrder, rows, weights)
  }
  if (load<i32>(job.inputDropoutThreshold)) dropInputs(ownInputs, first * inputStride, rows * inputStride)

  forwardPass(inputs, first, rows, batchRows, false)
  const losses = <usize>load<i32>(job.rowLosses) + (row << 3)
  if (mixes) lossOfMixed(first, rows, targets, weights, weightSum, losses)
  else lossOf(first, rows, targets, weights, weightSum, losses)
  if (weightSum != 0) propagateDelta(first, rows, batchRows)
}

/** Drops n of the batch's input values in place, the first of them given by its index. */
function dropInputs(inputs: usize, first: i32, n: i32): void {
  const mask = <usize>load<i32>(job.inputMask) + (<usize>first << 2)
  drawMask(mask, first, n, load<i32>(job.inputDropoutStream), load<i32>(job.step), load<i32>(job.inputDropoutThreshold))
  applyMask(inputs, mask, inputs, n)
}
