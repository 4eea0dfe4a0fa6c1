import type { NetworkConfig } from '../config.ts'
import { EngineError } from '../errors.ts'

/** How the inputs of a row are laid out: [height, width, channels], row-major. */
export interface ImageShape {
  height: number
  width: number
  channels: number
}

/** One change of a row's inputs, drawn anew for every epoch and row. */
export type RowOperation =
  /** Adds a normal deviate of this standard deviation to every input. */
  | { type: 'gaussian_noise'; std: number }
  /** Sets each input to 0 with this probability; the others keep their value. */
  | { type: 'feature_drop'; rate: number }
  /** Moves the image by whole pixels, up to so many along either axis; what comes in is 0. */
  | { type: 'shift'; pixels: number }
  /** Mirrors the image with probability ½: left and right, or top and bottom. */
  | { type: 'flip'; axis: 'horizontal' | 'vertical' }
  /** Turns the image about its centre by up to so many degrees either way; what comes in is 0. */
  | { type: 'rotate'; degrees: number }
  /** Cuts out a window that is so many pixels smaller along either axis and stretches it to the whole image. */
  | { type: 'crop'; pixels: number }

/** What is done to the training rows of an epoch before the network sees them; validation is not touched. */
export interface Augmentation {
  /** One after the other. */
  operations: readonly RowOperation[]
  /** What the operations on images need; null without. */
  image: ImageShape | null
  /**
   * α of Beta(α, α), from which the share λ of a row is drawn: it becomes λ of itself and 1 - λ of another row, both
   * after the operations, and so does its loss. null does not mix.
   */
  mixup: number | null
}

/** Beyond it Beta(α, α) is ½ as far as float32 can tell. */
const ALPHA_MAX = 1e6

/** Throws `invalid_options` unless every amount is in its range and the image has the network's inputs. */
export function assertAugmentation(network: NetworkConfig, augmentation: Augmentation): void {
  const { operations, image, mixup } = augmentation
  for (const [index, operation] of operations.entries()) assertOperation(operation, image, index)
  if (image !== null && image.height * image.width * image.channels !== network.inputs) {
    const { height, width, channels } = image
    throw new EngineError(
      'invalid_options',
      `an image of ${height} × ${width} × ${channels} has not ${network.inputs} inputs`,
    )
  }
  if (mixup !== null && !(mixup > 0 && mixup <= ALPHA_MAX)) {
    throw new EngineError('invalid_options', `mixup must be above 0 and at most ${ALPHA_MAX}`)
  }
}

function assertOperation(operation: RowOperation, image: ImageShape | null, index: number): void {
  const refuse = (what: string) => {
    throw new EngineError('invalid_options', `operations[${index}] ${what}`)
  }
  switch (operation.type) {
    case 'gaussian_noise':
      if (!(operation.std > 0 && operation.std < Number.POSITIVE_INFINITY)) {
        refuse('needs a positive std')
      }
      return
    case 'feature_drop':
      if (!(operation.rate >= 0 && operation.rate < 1)) refuse('needs a rate in [0, 1)')
      return
    case 'rotate':
      if (!(operation.degrees > 0 && operation.degrees <= 180)) {
        refuse('needs degrees above 0 and up to 180')
      }
      break
    case 'shift':
    case 'crop':
      if (!(Number.isInteger(operation.pixels) && operation.pixels > 0)) {
        refuse('needs a positive number of pixels')
      }
      break
    case 'flip':
  }
  if (image === null) refuse('needs the shape of the image')
}
