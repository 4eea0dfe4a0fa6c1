import { createRandom } from '../random.ts'
import { Matrix } from '../tensor.ts'

/** The training step that a mask is drawn for: batches before it, over all epochs. */
export interface TrainingPass {
  seed: bigint
  step: number
}

/** Values per row of a mask come in fours, as the kernels keep them. */
const ROW_MULTIPLE = 4
const TWO_POW_32 = 2 ** 32

/** The stream of a layer's masks, or of those of the inputs. */
export function dropoutStream(layer: number | 'inputs'): string {
  return `dropout/${layer}`
}

/** A unit is dropped if its random word is below this. */
export function dropoutThreshold(rate: number): number {
  return Math.min(Math.round(rate * TWO_POW_32), TWO_POW_32 - 1)
}

/**
 * Inverted dropout: 0 for a dropped unit, 1/(1 - rate) for a kept one, so that the expectation stays and
 * inference has nothing to do. [rows, units] A function of seed, step, stream and place alone:
 * the word of (row, unit) has index row · stride + unit. https://jmlr.org/papers/v15/srivastava14a.html
 */
export function dropoutMask(
  { seed, step }: TrainingPass,
  stream: string,
  rows: number,
  units: number,
  rate: number,
): Matrix {
  const random = createRandom(seed, stream, step)
  const threshold = dropoutThreshold(rate)
  const kept = TWO_POW_32 / (TWO_POW_32 - threshold)
  const stride = ROW_MULTIPLE * Math.ceil(units / ROW_MULTIPLE)
  const mask = new Matrix(rows, units)
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit++) {
      mask.set(row, unit, random.uint32(row * stride + unit) < threshold ? 0 : kept)
    }
  }
  return mask
}
