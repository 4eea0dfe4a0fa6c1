/**
 * Matrix products of small layers, without packing. Columns come in multiples of 4, as strides do;
 * each value of C is one chain of multiply-adds over k in order, however the rows are cut.
 */
import { multiplyColumns4, multiplyColumns8, multiplyRows1x32, multiplyRows4, multiplyRows8, TILE_ROWS } from './tiles'

/** C [m, n] = or += A [m, k] B [k, n]; n a multiple of 4, strides in bytes, C apart from A and B. */
export function multiplyDirect(
  m: i32, n: i32, k: i32,
  a: usize, strideA: usize, b: usize, strideB: usize, c: usize, strideC: usize, accumulates: bool,
): void {
  for (let i = 0; i < m;) {
    const rows = nextRows(m - i)
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
    const rows = nextRows(m - i)
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

/** source [rows, columns] into target [columns, paddedRows]; the padding to a multiple of 4 is zero. */
export function transpose(source: usize, strideSource: usize, rows: i32, columns: i32, target: usize): void {
  const padded = (rows + 3) & ~3
  for (let j = 0; j < columns; j++) {
    let from = source + (<usize>j << 2)
    for (let i = 0; i < padded; i++) {
      store<f32>(target, i < rows ? load<f32>(from) : 0)
      from += strideSource
      target += 4
    }
  }
}

/** Rows of the next tile: as many as fit, the last two tiles even, as 4 + 4 beats 6 + 2. */
// @ts-ignore: decorator
@inline
function nextRows(left: i32): i32 {
  if (left <= TILE_ROWS) return left
  return left < 2 * TILE_ROWS ? (left + 1) >> 1 : TILE_ROWS
}
