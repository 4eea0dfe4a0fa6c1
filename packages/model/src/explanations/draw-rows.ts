import { permutation } from '@trainyard/engine/random'

/** The rows themselves when they are few enough, else so many of them, drawn by the seed, in their order. */
export function drawRows(rows: Uint32Array, rowsMax: number, seed: bigint): Uint32Array {
  if (rows.length <= rowsMax) return rows
  const drawn = permutation(seed, 'explained rows', 0, rows.length).subarray(0, rowsMax).sort()
  return drawn.map((at) => rows[at] as number)
}
