/**
 * Which matrix products of a layer are worth packing. Decided once by layer and full batch, never by
 * the rows at hand: packed and direct kernels add in different orders, and the bits must not depend
 * on a short last batch or on how rows are shared out.
 */
export interface ProductShape {
  /** Rows of the result. */
  m: number
  /** Terms of each sum. */
  k: number
  /** Columns of the result. */
  n: number
}

/** Sizes of the blocks that are packed at once; the kernels loop over them. */
export const BLOCK_DEPTH = 256
export const BLOCK_ROWS = 192
export const BLOCK_COLUMNS = 1024

/** Right panels are as wide as a tile; left panels have exactly the rows there are. */
const PANEL_COLUMNS_MULTIPLE = 8

/**
 * Measured with bench/kernels.ts: a direct product is as fast until its right matrix leaves the
 * second-level cache, and packing the right matrix needs many rows to pay for itself.
 */
const PACKED_COLUMNS_MIN = 16
const PACKED_ROWS_MIN = 8
const PACKED_TERMS_MIN = 2 ** 17
const MANY_ROWS = 256
const MANY_ROWS_TERMS_MIN = 2 ** 13

export function isPacked({ m, k, n }: ProductShape): boolean {
  const termsMin = m >= MANY_ROWS ? MANY_ROWS_TERMS_MIN : PACKED_TERMS_MIN
  return n >= PACKED_COLUMNS_MIN && m >= PACKED_ROWS_MIN && k * n >= termsMin
}

/** Floats the two packed blocks of a product take; nothing if it is not packed. */
export function panelFloats(shape: ProductShape): { left: number; right: number } {
  if (!isPacked(shape)) return { left: 0, right: 0 }
  const depth = Math.min(shape.k, BLOCK_DEPTH)
  return {
    left: depth * Math.min(shape.m, BLOCK_ROWS),
    right: depth * roundUp(Math.min(shape.n, BLOCK_COLUMNS), PANEL_COLUMNS_MULTIPLE),
  }
}

/** Floats of a right matrix [k, n] packed as a whole. */
export function wholePanelFloats(k: number, n: number): number {
  return k * roundUp(n, PANEL_COLUMNS_MULTIPLE)
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}
