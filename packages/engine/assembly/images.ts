/** Operations on the image of one row: the same bits as src/augmentation/map-image.ts, which has the formulas. */
import { job, operation } from './layout'
import { cosine, sine, turn } from './precise'
import { scratchOffset } from './team'

const TWO_POW_31: f64 = 2147483648.0

/** image [height, width, channels], in place; amount in pixels or radians. */
export function mapImage(image: usize, code: i32, amount: f64, first: u32, second: u32): void {
  const width = load<i32>(job.imageWidth), height = load<i32>(job.imageHeight)
  const lastX = <f64>(width - 1), lastY = <f64>(height - 1)
  let xx: f64 = 1, xy: f64 = 0, x0: f64 = 0, yx: f64 = 0, yy: f64 = 1, y0: f64 = 0
  if (code == operation.rotate) {
    turn((<f64>first / TWO_POW_31 - 1) * amount)
    const c = cosine, s = sine, middleX = lastX / 2, middleY = lastY / 2
    xx = c
    xy = s
    x0 = middleX - c * middleX - s * middleY
    yx = -s
    yy = c
    y0 = middleY + s * middleX - c * middleY
  } else if (code == operation.shift || code == operation.crop) {
    const across = <i32>min(amount, lastX), down = <i32>min(amount, lastY)
    if (code == operation.shift) {
      x0 = <f64>(across - below(first, 2 * across + 1))
      y0 = <f64>(down - below(second, 2 * down + 1))
    } else {
      xx = width == 1 ? 0 : <f64>(width - 1 - across) / lastX
      yy = height == 1 ? 0 : <f64>(height - 1 - down) / lastY
      x0 = <f64>below(first, across + 1)
      y0 = <f64>below(second, down + 1)
    }
  } else if (<f64>first < TWO_POW_31) {
    if (code == operation.flip_horizontal) {
      xx = -1
      x0 = lastX
    } else {
      yy = -1
      y0 = lastY
    }
  }
  sampleImage(image, width, height, xx, xy, x0, yx, yy, y0)
}

/** Bilinear between the four pixels around a point, which are 0 outside of the image. */
function sampleImage(image: usize, width: i32, height: i32, xx: f64, xy: f64, x0: f64, yx: f64, yy: f64, y0: f64): void {
  const channels = load<i32>(job.imageChannels)
  const source = <usize>load<i32>(job.imageSource) + scratchOffset
  memory.copy(source, image, <usize>(width * height * channels) << 2)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sourceX = xx * <f64>x + xy * <f64>y + x0, sourceY = yx * <f64>x + yy * <f64>y + y0
      const floorX = Math.floor(sourceX), floorY = Math.floor(sourceY)
      const right = sourceX - floorX, down = sourceY - floorY
      const left = <i32>floorX, top = <i32>floorY
      for (let channel = 0; channel < channels; channel++) {
        const upper = (1 - right) * pixel(source, width, height, channels, left, top, channel)
          + right * pixel(source, width, height, channels, left + 1, top, channel)
        const lower = (1 - right) * pixel(source, width, height, channels, left, top + 1, channel)
          + right * pixel(source, width, height, channels, left + 1, top + 1, channel)
        store<f32>(image, <f32>((1 - down) * upper + down * lower))
        image += 4
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function pixel(source: usize, width: i32, height: i32, channels: i32, x: i32, y: i32, channel: i32): f64 {
  if (<u32>x >= <u32>width || <u32>y >= <u32>height) return 0
  return <f64>load<f32>(source + (<usize>((y * width + x) * channels + channel) << 2))
}

/** ⌊word · n / 2^32⌋ */
// @ts-ignore: decorator
@inline
function below(word: u32, n: i32): i32 {
  return <i32>((<u64>word * <u64>n) >> 32)
}
