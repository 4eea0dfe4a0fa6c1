/**
 * The rows of an epoch as the network sees them. Every change is a function of seed, epoch and row alone, is computed in
 * float64 and rounded to float32 once: the kernels (assembly/augmentation.ts) make the same bits in the middle of a
 * batch, whichever thread has the row.
 */
import type { TrainingData } from '../backend.ts'
import { dropoutThreshold } from '../layers/dropout.ts'
import { multiplyHigh } from '../random/philox.ts'
import { cos, createRandom, log, type Random, sin } from '../random.ts'
import type { Augmentation, ImageShape, RowOperation } from './augmentation.ts'
import { drawShare } from './draw-share.ts'
import { mapImage } from './map-image.ts'

/** Words of a row come in blocks of four, as the kernels keep its inputs. */
const BLOCK_WORDS = 4
const TWO_POW_32 = 2 ** 32

export const MIXUP_STREAM = 'augmentation/mixup'

export interface AugmentedRow {
  /** [inputs] */
  inputs: Float32Array
  /** The row of the training data that it was mixed with, and the share it kept of itself; null without mixup. */
  mixed: { partner: number; share: number } | null
}

/** The stream of one of the operations. */
export function augmentationStream(index: number): string {
  return `augmentation/${index}`
}

/** Returns a function that makes a row of the training data as it is in an epoch, from 1. */
export function augmentRows(
  { inputs, rows }: Pick<TrainingData, 'inputs' | 'rows'>,
  { operations, image, mixup }: Augmentation,
  seed: bigint,
  epoch: number,
): (row: number) => AugmentedRow {
  const width = inputs.length / rows
  const steps = operations.map((operation, index) => ({
    operation,
    random: createRandom(seed, augmentationStream(index), epoch),
  }))
  const augment = (row: number) => {
    const values = inputs.slice(row * width, (row + 1) * width)
    for (const { operation, random } of steps) change(values, row, operation, image, random)
    return values
  }
  if (mixup === null) return (row) => ({ inputs: augment(row), mixed: null })
  const random = createRandom(seed, MIXUP_STREAM, epoch)
  return (row) => {
    const share = drawShare(mixup, random, row)
    const partner = multiplyHigh(random.uint32(BLOCK_WORDS * row + 2), rows)
    const own = augment(row)
    const other = augment(partner)
    for (const [i, value] of own.entries()) {
      own[i] = share * value + (1 - share) * (other[i] as number)
    }
    return { inputs: own, mixed: { partner, share } }
  }
}

function change(
  values: Float32Array,
  row: number,
  operation: RowOperation,
  image: ImageShape | null,
  random: Random,
): void {
  const firstWord = row * BLOCK_WORDS * Math.ceil(values.length / BLOCK_WORDS)
  switch (operation.type) {
    case 'gaussian_noise':
      for (const [i, value] of values.entries()) {
        values[i] = value + operation.std * normal(random, firstWord + i)
      }
      return
    case 'feature_drop': {
      const threshold = dropoutThreshold(operation.rate)
      for (const i of values.keys()) {
        if (random.uint32(firstWord + i) < threshold) values[i] = 0
      }
      return
    }
    default: {
      // The engine refuses an operation on images without one.
      if (image === null) throw new Error('an image has a shape')
      const word = BLOCK_WORDS * row
      mapImage(values, image, operation, [random.uint32(word), random.uint32(word + 1)])
    }
  }
}

/** Box–Muller with both halves: two words make two deviates, up to 6.7 in size. */
function normal(random: Random, index: number): number {
  const isSecond = index % 2 === 1
  const word = isSecond ? index - 1 : index
  const radius = Math.sqrt(-2 * log((random.uint32(word) + 0.5) / TWO_POW_32))
  const angle = (2 * Math.PI * random.uint32(word + 1)) / TWO_POW_32
  return radius * (isSecond ? sin(angle) : cos(angle))
}
