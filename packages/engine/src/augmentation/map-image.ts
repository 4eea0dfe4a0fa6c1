import { multiplyHigh } from '../random/philox.ts'
import { cos, sin } from '../random.ts'
import type { ImageShape, RowOperation } from './augmentation.ts'

type ImageOperation = Exclude<RowOperation, { type: 'gaussian_noise' | 'feature_drop' }>

/** Where a pixel comes from: x of the source is xx·x + xy·y + x0, y is yx·x + yy·y + y0. */
interface ImageMap {
  xx: number
  xy: number
  x0: number
  yx: number
  yy: number
  y0: number
}

const IDENTITY: ImageMap = { xx: 1, xy: 0, x0: 0, yx: 0, yy: 1, y0: 0 }
const TWO_POW_31 = 2 ** 31

/** image [height, width, channels], in place; an operation draws by up to two random uint32. */
export function mapImage(
  image: Float32Array,
  shape: ImageShape,
  operation: ImageOperation,
  words: readonly [number, number],
): void {
  sampleImage(image.slice(), shape, toMap(operation, shape, words), image)
}

function toMap(
  operation: ImageOperation,
  { height, width }: ImageShape,
  [first, second]: readonly [number, number],
): ImageMap {
  switch (operation.type) {
    case 'shift': {
      // At least one row and one column of the image stay.
      const across = Math.min(operation.pixels, width - 1)
      const down = Math.min(operation.pixels, height - 1)
      const x0 = across - multiplyHigh(first, 2 * across + 1)
      return { ...IDENTITY, x0, y0: down - multiplyHigh(second, 2 * down + 1) }
    }
    case 'flip':
      if (first >= TWO_POW_31) return IDENTITY
      return operation.axis === 'horizontal'
        ? { ...IDENTITY, xx: -1, x0: width - 1 }
        : { ...IDENTITY, yy: -1, y0: height - 1 }
    case 'rotate': {
      const angle = (first / TWO_POW_31 - 1) * toRadians(operation.degrees)
      const c = cos(angle)
      const s = sin(angle)
      const middleX = (width - 1) / 2
      const middleY = (height - 1) / 2
      const x0 = middleX - c * middleX - s * middleY
      return { xx: c, xy: s, x0, yx: -s, yy: c, y0: middleY + s * middleX - c * middleY }
    }
    case 'crop': {
      const across = Math.min(operation.pixels, width - 1)
      const down = Math.min(operation.pixels, height - 1)
      // The window's outermost pixels fall on those of the image.
      const xx = width === 1 ? 0 : (width - 1 - across) / (width - 1)
      const yy = height === 1 ? 0 : (height - 1 - down) / (height - 1)
      const x0 = multiplyHigh(first, across + 1)
      return { xx, xy: 0, x0, yx: 0, yy, y0: multiplyHigh(second, down + 1) }
    }
  }
}

export function toRadians(degrees: number): number {
  return (degrees * Math.PI) / 180
}

/** Bilinear between the four pixels around a point, which are 0 outside of the image. */
function sampleImage(
  source: Float32Array,
  { height, width, channels }: ImageShape,
  { xx, xy, x0, yx, yy, y0 }: ImageMap,
  target: Float32Array,
): void {
  const pixel = (x: number, y: number, channel: number): number =>
    x < 0 || y < 0 || x >= width || y >= height
      ? 0
      : (source[(y * width + x) * channels + channel] as number)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sourceX = xx * x + xy * y + x0
      const sourceY = yx * x + yy * y + y0
      const left = Math.floor(sourceX)
      const top = Math.floor(sourceY)
      const right = sourceX - left
      const below = sourceY - top
      for (let channel = 0; channel < channels; channel++) {
        const upper =
          (1 - right) * pixel(left, top, channel) + right * pixel(left + 1, top, channel)
        const lower =
          (1 - right) * pixel(left, top + 1, channel) + right * pixel(left + 1, top + 1, channel)
        target[(y * width + x) * channels + channel] = (1 - below) * upper + below * lower
      }
    }
  }
}
