import { permutation } from '@trainyard/engine/random'

/**
 * Repeats rows until every class that has any has as many as the largest: all its rows whole times, and of what is left
 * over a draw, the same one for the same seed. Ascending, a row's repeats side by side.
 */
export function oversampleRows({
  rows,
  classes,
  seed,
}: {
  /** Ascending. */
  rows: Uint32Array
  /** The class of each of these rows. */
  classes: Int32Array
  seed: bigint
}): Uint32Array {
  const sizes = new Map<number, number>()
  for (const label of classes) sizes.set(label, (sizes.get(label) ?? 0) + 1)
  const largest = Math.max(0, ...sizes.values())
  const left = new Map([...sizes].map(([label, size]) => [label, largest % size]))
  const copies = Uint32Array.from(classes, (label) => Math.floor(largest / (sizes.get(label) ?? 1)))
  for (const i of permutation(seed, 'oversample', 0, rows.length)) {
    const label = classes[i] ?? 0
    const extra = left.get(label) ?? 0
    if (extra === 0) continue
    left.set(label, extra - 1)
    copies[i] = (copies[i] ?? 0) + 1
  }
  const repeated = new Uint32Array(largest * sizes.size)
  let at = 0
  for (const [i, row] of rows.entries()) {
    repeated.fill(row, at, at + (copies[i] ?? 0))
    at += copies[i] ?? 0
  }
  return repeated
}
