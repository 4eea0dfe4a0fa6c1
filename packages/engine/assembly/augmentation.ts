/**
 * Augmentation of the rows of a batch, in place: the same bits as src/augmentation/augment-rows.ts, whose formulas
 * these are. What a row becomes depends on seed, epoch and row alone, so any thread may do it.
 */
import { mapImage } from './images'
import { augmentation, job, layer, operation } from './layout'
import { drawBlock, word0, word1, word2, word3 } from './philox'
import { cosine, log, sine, turn } from './precise'

const PER_TWO_POW_32: f64 = 1.0 / 4294967296.0
const TWO_PI: f64 = 6.283185307179586

/** Applies every operation to rows [rows, inputStride], of which `order` says which of the training data they are. */
export function augmentRows(order: usize, rows: i32, inputs: usize): void {
  const bytes = <usize>load<i32>(job.inputStride) << 2
  for (let i = 0; i < rows; i++) {
    augmentRow(load<i32>(order + (<usize>i << 2)), inputs)
    inputs += bytes
  }
}

export function augmentRow(row: i32, inputs: usize): void {
  let at = <usize>load<i32>(job.augmentations)
  const epoch = load<i32>(job.epoch), firstBlock = row * (load<i32>(job.inputStride) >> 2)
  for (const end = at + <usize>load<i32>(job.augmentationCount) * augmentation.bytes; at < end; at += augmentation.bytes) {
    const code = <i32>load<f64>(at + augmentation.operation), stream = <i32><u32>load<f64>(at + augmentation.stream)
    const amount = load<f64>(at + augmentation.amount)
    if (code == operation.gaussian_noise) addNoise(inputs, firstBlock, epoch, stream, amount)
    else if (code == operation.feature_drop) dropFeatures(inputs, firstBlock, epoch, stream, <u32>amount)
    else {
      drawBlock(row, 0, epoch, stream)
      mapImage(inputs, code, amount, word0, word1)
    }
  }
}

/** Adds std times a normal deviate to each real input: the four words of a block make four of them. */
function addNoise(inputs: usize, firstBlock: i32, epoch: i32, stream: i32, std: f64): void {
  const count = load<i32>(job.layers + layer.inputs)
  for (let i = 0; i < count; i += 4) {
    drawBlock(firstBlock + (i >> 2), 0, epoch, stream)
    const at = inputs + (<usize>i << 2), left = count - i
    addPair(at, word0, word1, std, left > 1)
    if (left > 2) addPair(at + 8, word2, word3, std, left > 3)
  }
}

/** Box–Muller. */
// @ts-ignore: decorator
@inline
function addPair(at: usize, first: u32, second: u32, std: f64, hasSecond: bool): void {
  const radius = Math.sqrt(-2 * log((<f64>first + 0.5) * PER_TWO_POW_32))
  turn(TWO_PI * <f64>second * PER_TWO_POW_32)
  store<f32>(at, <f32>(<f64>load<f32>(at) + std * (radius * cosine)))
  if (hasSecond) store<f32>(at, <f32>(<f64>load<f32>(at, 4) + std * (radius * sine)), 4)
}

/** Clears each input whose word is below the threshold; the padding is zero anyway. */
function dropFeatures(inputs: usize, firstBlock: i32, epoch: i32, stream: i32, threshold: u32): void {
  const limit = i32x4.splat(threshold)
  for (let block = 0, blocks = load<i32>(job.inputStride) >> 2; block < blocks; block++) {
    drawBlock(firstBlock + block, 0, epoch, stream)
    const words = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(word0), 1, word1), 2, word2), 3, word3)
    const at = inputs + (<usize>block << 4)
    v128.store(at, v128.and(v128.load(at), i32x4.ge_u(words, limit)))
  }
}
