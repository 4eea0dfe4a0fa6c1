/**
 * Mixup: a row becomes a share of itself and the rest of another row, and so does its loss. The same bits as
 * src/augmentation/augment-rows.ts and draw-share.ts. https://arxiv.org/abs/1710.09412
 */
import { augmentRow } from './augmentation'
import { gatherRows, gatherValues } from './elementwise'
import { job, layer } from './layout'
import { countHits } from './losses'
import { layersEnd, lossOf } from './network'
import { drawBlock, word0, word1, word2 } from './philox'
import { exp, log, logistic } from './precise'
import { scratchOffset } from './team'

const PER_TWO_POW_32: f64 = 1.0 / 4294967296.0
const LN_4: f64 = 1.3862943611198906

/** Mixes rows [rows, inputStride] in place, the first of which is row `first` of the batch, and notes partners and shares. */
export function mixRows(order: usize, first: i32, rows: i32, inputs: usize): void {
  const bytes = <usize>load<i32>(job.inputStride) << 2
  const other = <usize>load<i32>(job.partnerInputs) + scratchOffset
  const trainingInputs = <usize>load<i32>(job.trainingInputs), trainingRows = <u64>load<u32>(job.trainingRows)
  for (let i = 0; i < rows; i++, inputs += bytes) {
    const row = load<i32>(order + (<usize>i << 2)), at = <usize>(first + i) << 2
    const share = drawShare(row)
    // The block of the first attempt is drawn again: its third word says which row.
    drawBlock(row, 0, load<i32>(job.epoch), load<i32>(job.mixupStream))
    const partner = <i32>((<u64>word2 * trainingRows) >> 32)
    store<i32>(<usize>load<i32>(job.partners) + at, partner)
    store<f32>(<usize>load<i32>(job.shares) + at, share)
    memory.copy(other, trainingInputs + <usize>partner * bytes, bytes)
    augmentRow(partner, other)
    const own = <f64>share, rest = 1 - own
    for (let j: usize = 0; j < bytes; j += 4) {
      store<f32>(inputs + j, <f32>(own * <f64>load<f32>(inputs + j) + rest * <f64>load<f32>(other + j)))
    }
  }
}

/** `lossOf` with the share of each row's own target and the rest of its partner's; hits are counted on its own. */
export function lossOfMixed(first: i32, rows: i32, targets: usize, weights: usize, weightSum: f64, losses: usize): void {
  const last = layersEnd() - layer.bytes, stride = load<i32>(last + layer.unitStride)
  const row = <usize>first, targetStride = load<i32>(job.targetStride)
  const delta = <usize>load<i32>(last + layer.delta) + row * (<usize>stride << 2)
  const partners = <usize>load<i32>(job.partners) + (row << 2), shares = <usize>load<i32>(job.shares) + (row << 2)
  const mixed = <usize>load<i32>(job.mixedWeights) + (row << 2)
  const otherTargets = <usize>load<i32>(job.partnerTargets) + row * (<usize>targetStride << 2)
  const otherLosses = <usize>load<i32>(job.partnerLosses) + (row << 3)
  const otherDelta = <usize>load<i32>(job.partnerDelta) + row * (<usize>stride << 2)
  const trainingTargets = <usize>load<i32>(job.trainingTargets)
  if (targetStride == 1) gatherValues(trainingTargets, partners, rows, otherTargets)
  else gatherRows(trainingTargets, targetStride, partners, rows, otherTargets)

  for (let i: usize = 0, end = <usize>rows << 2; i < end; i += 4) {
    store<f32>(mixed + i, load<f32>(weights + i) * (<f32>1.0 - load<f32>(shares + i)))
  }
  countHits(false)
  lossOf(first, rows, otherTargets, mixed, weightSum, otherLosses)
  countHits(true)
  memory.copy(otherDelta, delta, <usize>(rows * stride) << 2)
  for (let i: usize = 0, end = <usize>rows << 2; i < end; i += 4) {
    store<f32>(mixed + i, load<f32>(weights + i) * load<f32>(shares + i))
  }
  lossOf(first, rows, targets, mixed, weightSum, losses)
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 8) {
    store<f64>(losses + i, load<f64>(losses + i) + load<f64>(otherLosses + i))
  }
  for (let i: usize = 0, end = <usize>(rows * stride) << 2; i < end; i += 16) {
    v128.store(delta + i, f32x4.add(v128.load(delta + i), v128.load(otherDelta + i)))
  }
}

function drawShare(row: i32): f32 {
  const alpha = load<f64>(job.mixupAlpha), epoch = load<i32>(job.epoch), stream = load<i32>(job.mixupStream)
  let share: f64 = -1
  for (let attempt = 0; share < 0; attempt++) {
    drawBlock(row, attempt, epoch, stream)
    share = propose(alpha, (<f64>word0 + 0.5) * PER_TWO_POW_32, (<f64>word1 + 0.5) * PER_TWO_POW_32)
  }
  return <f32>share
}

/** -1 for a pair that is not accepted. */
function propose(alpha: f64, u: f64, v: f64): f64 {
  const logU = log(u), logV = log(v)
  if (alpha <= 1) {
    const x = logU / alpha, y = logV / alpha
    return exp(x) + exp(y) <= 1 ? logistic(x - y) : -1
  }
  const root = Math.sqrt(alpha)
  const x = (logU - log(1 - u)) / root
  const bound = (alpha + root) * x - LN_4 + 2 * alpha * log(2 / (1 + exp(x)))
  return bound >= 2 * logU + logV ? logistic(x) : -1
}
