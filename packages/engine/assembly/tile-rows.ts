import { TILE_ROWS } from './tiles'

/** Rows of the next tile: as many as fit, the last two tiles even, as 4 + 4 beats 6 + 2. */
// @ts-ignore: decorator
@inline
export function nextTileRows(left: i32): i32 {
  if (left <= TILE_ROWS) return left
  return left < 2 * TILE_ROWS ? (left + 1) >> 1 : TILE_ROWS
}
