/**
 * Matrix products of small layers, without packing. Columns come in multiples of 4, as strides do;
 * each value of C is one chain of multiply-adds over k in order, however the rows are cut.
 */
import { nextTileRows } from './tile-rows'
import { multiplyColumns4, multiplyColumns8, multiplyRows1x32, multiplyRows4, multiplyRows8 } from './tiles'

/** C [m, n] = or += A [m, k] B [k, n]; n a multiple of 4, strides in bytes, C apart from A and B. */
export function multiplyDirect(
  m: i32, n: i32, k: i32,
  a: usize, strideA: usize, b: usize, strideB: usize, c: usize, strideC: usize, accumulates: bool,
): void {
  for (let i = 0; i < m;) {
    const rows = nextTileRows(m - i)
    const left = a + <usize>i * strideA
    const target = c + <usize>i * strideC
    let j = 0
    // One row leaves most registers to columns.
    if (rows == 1) {
      for (; j + 32 <= n; j += 32) {
        const at = <usize>j << 2
        multiplyRows1x32(k, left, strideA, b + at, strideB, target + at, strideC, accumulates)
      }
    }
    for (; j + 8 <= n; j += 8) {
      const at = <usize>j << 2
      multiplyRows8(rows, k, left, strideA, b + at, strideB, target + at, strideC, accumulates)
    }
    if (j < n) {
      const at = <usize>j << 2
      multiplyRows4(rows, k, left, strideA, b + at, strideB, target + at, strideC, accumulates)
    }
    i += rows
  }
}

/** C [m, n] = Aᵀ B with A stored [k, m], B [k, n]; n a multiple of 4, strides in bytes. */
export function multiplyDirectTransposed(
  m: i32, n: i32, k: i32,
  a: usize, strideA: usize, b: usize, strideB: usize, c: usize, strideC: usize,
): void {
  for (let i = 0; i < m;) {
    const rows = nextTileRows(m - i)
    const left = a + (<usize>i << 2)
    const target = c + <usize>i * strideC
    let j = 0
    for (; j + 8 <= n; j += 8) {
      const at = <usize>j << 2
      multiplyColumns8(rows, k, left, strideA, b + at, strideB, target + at, strideC, false)
    }
    if (j < n) {
      const at = <usize>j << 2
      multiplyColumns4(rows, k, left, strideA, b + at, strideB, target + at, strideC, false)
    }
    i += rows
  }
}

/**
 * source [rows, columns] into target [columns, padded rows], 4 × 4 values at a time. Both strides are
 * multiples of 16 bytes; the padding of the target's rows to a multiple of 4 is zero.
 */
export function transpose(source: usize, strideSource: usize, rows: i32, columns: i32, target: usize): void {
  const strideTarget = <usize>((rows + 3) & ~3) << 2
  for (let i = 0; i < rows; i += 4) {
    const height = min(4, rows - i)
    let to = target + (<usize>i << 2)
    for (let j = 0; j < columns; j += 4) {
      const from = source + <usize>i * strideSource + (<usize>j << 2)
      transposeTile(from, strideSource, height, to, strideTarget, min(4, columns - j))
      to += 4 * strideTarget
    }
  }
}

/** One 4 × 4 tile; rows beyond `height` read as zero, rows of the target beyond `width` are left. */
// @ts-ignore: decorator
@inline
function transposeTile(from: usize, strideFrom: usize, height: i32, to: usize, strideTo: usize, width: i32): void {
  const zero = f32x4.splat(0)
  const r0 = v128.load(from)
  const r1 = height > 1 ? v128.load(from + strideFrom) : zero
  const r2 = height > 2 ? v128.load(from + 2 * strideFrom) : zero
  const r3 = height > 3 ? v128.load(from + 3 * strideFrom) : zero
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
  if (width > 1) v128.store(to + strideTo, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7))
  if (width > 2) v128.store(to + 2 * strideTo, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5))
  if (width > 3) v128.store(to + 3 * strideTo, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7))
}
