/**
 * Copies of matrix blocks in the order the packed tile reads them: a panel holds, for each term of
 * the sum, the values of the left matrix for the rows of one tile, or of the right matrix for its
 * columns. Right panels are always TILE_COLUMNS wide, with zeros beyond the block. Strides are in
 * bytes and any multiple of 4.
 */
import { nextTileRows } from './tile-rows'
import { TILE_COLUMNS, TILE_ROWS } from './tiles'

/** A [rows, depth] into panels [depth, height], one height after the other as the tiles need them. */
export function packLeft(a: usize, stride: usize, rows: i32, depth: i32, panel: usize): void {
  for (let i = 0; i < rows;) {
    const height = nextTileRows(rows - i)
    const step = <usize>height << 2
    for (let r = 0; r < height; r++) {
      spreadRow(a + <usize>(i + r) * stride, depth, panel + (<usize>r << 2), step)
    }
    panel += <usize>depth * step
    i += height
  }
}

/** B stored [columns, depth] into panels [depth, TILE_COLUMNS]. */
export function packRightTransposed(b: usize, stride: usize, depth: i32, columns: i32, panel: usize): void {
  const step: usize = <usize>TILE_COLUMNS << 2
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    for (let q = 0; q < TILE_COLUMNS; q += 4) {
      const target = panel + (<usize>q << 2)
      if (j + q + 4 <= columns) spreadFourRows(b + <usize>(j + q) * stride, stride, depth, target)
      else {
        for (let r = 0; r < 4; r++) {
          const lane = target + (<usize>r << 2)
          if (j + q + r < columns) spreadRow(b + <usize>(j + q + r) * stride, depth, lane, step)
          else spreadZeros(depth, lane, step)
        }
      }
    }
    panel += <usize>depth * step
  }
}

/** A stored [depth, rows] into panels [depth, height]. */
export function packLeftTransposed(a: usize, stride: usize, rows: i32, depth: i32, panel: usize): void {
  for (let i = 0; i < rows;) {
    const height = nextTileRows(rows - i)
    const source = a + (<usize>i << 2)
    if (height == TILE_ROWS) panel = copyStrip(source, stride, depth, panel)
    else panel = copyNarrowStrip(source, stride, depth, height, height, panel)
    i += height
  }
}

/** B [depth, columns] into panels [depth, TILE_COLUMNS]. */
export function packRight(b: usize, stride: usize, depth: i32, columns: i32, panel: usize): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, columns - j)
    let source = b + (<usize>j << 2)
    if (width < TILE_COLUMNS) {
      panel = copyNarrowStrip(source, stride, depth, width, TILE_COLUMNS, panel)
      continue
    }
    for (let p = 0; p < depth; p++) {
      v128.store(panel, v128.load(source))
      v128.store(panel, v128.load(source, 16), 16)
      source += stride
      panel += 32
    }
  }
}

/** A strip [depth, TILE_ROWS] of a row-major matrix, rows put one after the other. */
function copyStrip(source: usize, stride: usize, depth: i32, panel: usize): usize {
  for (let p = 0; p < depth; p++) {
    v128.store(panel, v128.load(source))
    if (TILE_ROWS == 6) store<u64>(panel, load<u64>(source, 16), 16)
    source += stride
    panel += <usize>TILE_ROWS << 2
  }
  return panel
}

/** A strip [depth, width] padded with zeros to the full width of a panel. */
function copyNarrowStrip(source: usize, stride: usize, depth: i32, width: i32, full: i32, panel: usize): usize {
  for (let p = 0; p < depth; p++) {
    for (let r = 0; r < full; r++) {
      store<f32>(panel + (<usize>r << 2), r < width ? load<f32>(source + (<usize>r << 2)) : 0)
    }
    source += stride
    panel += <usize>full << 2
  }
  return panel
}

/** One row [depth] written with a step between its values, in bytes. */
function spreadRow(row: usize, depth: i32, target: usize, step: usize): void {
  let p = 0
  for (; p + 4 <= depth; p += 4) {
    const values = v128.load(row)
    v128.store_lane<f32>(target, values, 0)
    v128.store_lane<f32>(target + step, values, 1)
    v128.store_lane<f32>(target + 2 * step, values, 2)
    v128.store_lane<f32>(target + 3 * step, values, 3)
    row += 16
    target += 4 * step
  }
  for (; p < depth; p++) {
    store<f32>(target, load<f32>(row))
    row += 4
    target += step
  }
}

function spreadZeros(depth: i32, target: usize, step: usize): void {
  for (let p = 0; p < depth; p++) {
    store<f32>(target, 0)
    target += step
  }
}

/** Four rows [depth] transposed into the columns of a right panel, 4 × 4 values at a time. */
function spreadFourRows(row: usize, stride: usize, depth: i32, target: usize): void {
  const step: usize = <usize>TILE_COLUMNS << 2
  let p = 0
  for (; p + 4 <= depth; p += 4) {
    const r0 = v128.load(row), r1 = v128.load(row + stride)
    const r2 = v128.load(row + 2 * stride), r3 = v128.load(row + 3 * stride)
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
    v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
    v128.store(target + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7))
    v128.store(target + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5))
    v128.store(target + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7))
    row += 16
    target += 4 * step
  }
  for (; p < depth; p++) {
    for (let r: usize = 0; r < 4; r++) store<f32>(target + (r << 2), load<f32>(row + r * stride))
    row += 4
    target += step
  }
}
