/**
 * Matrix products through packed panels, after Goto & van de Geijn, "Anatomy of High-Performance
 * Matrix Multiplication" (2008), https://doi.org/10.1145/1356052.1356053: a block of the right
 * matrix and a block of the left are copied into the order in which the tile reads them. A
 * transposed operand costs nothing but another way of packing.
 */
import { block, job } from './layout'
import { packLeft, packLeftTransposed, packRight, packRightTransposed } from './panels'
import { scratchOffset } from './team'
import { nextTileRows } from './tile-rows'
import { multiplyAdd, multiplyColumns8, multiplyPanels, TILE_COLUMNS, TILE_ROWS } from './tiles'

const TILE_STRIDE: usize = <usize>TILE_COLUMNS << 2

/**
 * C [m, n] = or += op(A) op(B), row-major, strides in bytes. op(A) is [m, k], stored [k, m] if
 * transposed; op(B) is [k, n], stored [n, k] if transposed. C must not overlap A or B. Sums run over
 * k in order within a block of 256, and the blocks are added in order.
 */
export function multiplyPacked(
  transposesA: bool, transposesB: bool, m: i32, n: i32, k: i32,
  a: usize, strideA: usize, b: usize, strideB: usize, c: usize, strideC: usize, accumulates: bool,
): void {
  // A thread may have no rows; then there is nothing to pack for.
  if (m == 0) return
  const rightPanels = <usize>load<i32>(job.rightPanels) + scratchOffset
  for (let j = 0; j < n; j += block.columns) {
    const columns = min(block.columns, n - j)
    let p = 0
    // At least once: a sum of no terms still has to write its zeros.
    do {
      const depth = min(block.depth, k - p)
      if (transposesB) packRightTransposed(b + at(j, strideB, p), strideB, depth, columns, rightPanels)
      else packRight(b + at(p, strideB, j), strideB, depth, columns, rightPanels)
      const left = a + (transposesA ? at(p, strideA, 0) : at(0, strideA, p))
      multiplyRows(transposesA, m, columns, depth, left, strideA, rightPanels, c + at(0, strideC, j), strideC, accumulates || p > 0)
      p += block.depth
    } while (p < k)
  }
}

/** B [k, n] into `panels`, [k, n rounded up to TILE_COLUMNS], in the order in which `multiplyPanelled` reads them. */
export function packMatrix(n: i32, k: i32, b: usize, strideB: usize, panels: usize): void {
  for (let j = 0; j < n; j += block.columns) {
    const columns = min(block.columns, n - j)
    for (let p = 0; p < k; p += block.depth) {
      const depth = min(block.depth, k - p)
      packRight(b + at(p, strideB, j), strideB, depth, columns, panels)
      panels += panelBytes(depth, columns)
    }
  }
}

/** C [m, n] += A [m, k] B with B packed before by `packMatrix`: the same bits as `multiplyPacked`. k ≥ 1 */
export function multiplyPanelled(m: i32, n: i32, k: i32, a: usize, strideA: usize, panels: usize, c: usize, strideC: usize): void {
  for (let j = 0; j < n; j += block.columns) {
    const columns = min(block.columns, n - j)
    for (let p = 0; p < k; p += block.depth) {
      const depth = min(block.depth, k - p)
      multiplyRows(false, m, columns, depth, a + at(0, strideA, p), strideA, panels, c + at(0, strideC, j), strideC, true)
      panels += panelBytes(depth, columns)
    }
  }
}

/** All rows of a block of op(A) [m, depth] times a packed block of B [depth, columns]. */
function multiplyRows(
  transposesA: bool, m: i32, columns: i32, depth: i32,
  a: usize, strideA: usize, rightPanels: usize, c: usize, strideC: usize, accumulates: bool,
): void {
  const leftPanels = <usize>load<i32>(job.leftPanels) + scratchOffset
  for (let i = 0; i < m; i += block.rows) {
    const rows = min(block.rows, m - i)
    if (transposesA) packLeftTransposed(a + (<usize>i << 2), strideA, rows, depth, leftPanels)
    else packLeft(a + at(i, strideA, 0), strideA, rows, depth, leftPanels)
    multiplyBlock(rows, columns, depth, leftPanels, rightPanels, c + at(i, strideC, 0), strideC, accumulates)
  }
}

// @ts-ignore: decorator
@inline
function panelBytes(depth: i32, columns: i32): usize {
  return <usize>(depth * ((columns + TILE_COLUMNS - 1) & -TILE_COLUMNS)) << 2
}

// @ts-ignore: decorator
@inline
function at(row: i32, stride: usize, column: i32): usize {
  return <usize>row * stride + (<usize>column << 2)
}

/** One packed block of the left matrix times one of the right. */
function multiplyBlock(
  rows: i32, columns: i32, depth: i32, leftPanels: usize, rightPanels: usize,
  c: usize, strideC: usize, accumulates: bool,
): void {
  let j = 0
  if (rows == 1) {
    for (; j + 4 * TILE_COLUMNS <= columns; j += 4 * TILE_COLUMNS) {
      multiplyRow(depth, leftPanels, rightPanels + (<usize>(j * depth) << 2), c + (<usize>j << 2), accumulates)
    }
  }
  for (; j < columns; j += TILE_COLUMNS) {
    const right = rightPanels + (<usize>(j * depth) << 2)
    const width = min(TILE_COLUMNS, columns - j)
    for (let i = 0; i < rows;) {
      const height = nextTileRows(rows - i)
      const left = leftPanels + (<usize>(i * depth) << 2)
      const corner = c + at(i, strideC, j)
      if (width < TILE_COLUMNS) multiplyEdge(height, width, depth, left, right, corner, strideC, accumulates)
      else if (height < TILE_ROWS) multiplyLow(height, depth, left, right, corner, strideC, accumulates)
      else multiplyPanels(depth, left, right, corner, strideC, accumulates)
      i += height
    }
  }
}

/** C[1, 32] of one row and four right panels: the sums of a single panel would wait for one another. */
function multiplyRow(depth: i32, left: usize, right0: usize, c: usize, accumulates: bool): void {
  const bytes = <usize>depth * TILE_STRIDE
  let right1 = right0 + bytes, right2 = right1 + bytes, right3 = right2 + bytes
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0)
  let c4 = f32x4.splat(0), c5 = f32x4.splat(0), c6 = f32x4.splat(0), c7 = f32x4.splat(0)
  for (const end = left + (<usize>depth << 2); left < end; left += 4) {
    const x = v128.load32_splat(left)
    c0 = multiplyAdd(x, v128.load(right0), c0)
    c1 = multiplyAdd(x, v128.load(right0, 16), c1)
    c2 = multiplyAdd(x, v128.load(right1), c2)
    c3 = multiplyAdd(x, v128.load(right1, 16), c3)
    c4 = multiplyAdd(x, v128.load(right2), c4)
    c5 = multiplyAdd(x, v128.load(right2, 16), c5)
    c6 = multiplyAdd(x, v128.load(right3), c6)
    c7 = multiplyAdd(x, v128.load(right3, 16), c7)
    right0 += TILE_STRIDE
    right1 += TILE_STRIDE
    right2 += TILE_STRIDE
    right3 += TILE_STRIDE
  }
  storePair(c, c0, c1, accumulates)
  storePair(c + 32, c2, c3, accumulates)
  storePair(c + 64, c4, c5, accumulates)
  storePair(c + 96, c6, c7, accumulates)
}

// @ts-ignore: decorator
@inline
function storePair(c: usize, first: v128, second: v128, accumulates: bool): void {
  v128.store(c, accumulates ? f32x4.add(v128.load(c), first) : first)
  v128.store(c, accumulates ? f32x4.add(v128.load(c, 16), second) : second, 16)
}

/** A tile of fewer rows; its left panel is as narrow as that. */
// @ts-ignore: decorator
@inline
function multiplyLow(height: i32, depth: i32, left: usize, right: usize, c: usize, strideC: usize, accumulates: bool): void {
  multiplyColumns8(height, depth, left, <usize>height << 2, right, TILE_STRIDE, c, strideC, accumulates)
}

/** A tile that reaches beyond the columns of C is computed whole into scratch and copied in part. */
function multiplyEdge(
  height: i32, width: i32, depth: i32, left: usize, right: usize,
  c: usize, strideC: usize, accumulates: bool,
): void {
  const tile = <usize>load<i32>(job.edgeTile) + scratchOffset
  multiplyLow(height, depth, left, right, tile, TILE_STRIDE, false)
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const target = c + at(i, strideC, j)
      const value = load<f32>(tile + at(i, TILE_STRIDE, j))
      store<f32>(target, accumulates ? load<f32>(target) + value : value)
    }
  }
}
