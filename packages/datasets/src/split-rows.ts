import { permutation } from '@trainyard/engine/random'
import { DataError } from './data-error.ts'

export interface SplitOptions {
  /** The rows to share out, ascending. */
  rows: Uint32Array
  /** Class of each of these rows when the shares of classes are to be kept; null otherwise. */
  classes: Int32Array | null
  /** Group of each of these rows when a group is to stay on one side; null otherwise. */
  groups: Int32Array | null
  /** Share of the rows that validate; null: none do. */
  fraction: number | null
  /** Rows that it is a share of, where others were taken away before. Default: these rows. */
  of?: number
  /** False: the last rows validate and nothing is drawn. */
  shuffle: boolean
  seed: bigint
  /** Two parts of one seed are drawn independently; 0. */
  draw?: number
}

/** Row indices, ascending. */
export interface Split {
  training: Uint32Array
  validation: Uint32Array
}

/**
 * Draws the validation rows, the same ones for the same seed. Stratified, every class gives its share by largest
 * remainder, and a class of two rows or more keeps at least one for training; a class of one row stays in training
 * unless the other classes cannot fill the validation part. Grouped, whole groups are drawn for as long as that brings
 * the part nearer to its share; throws DataError where there is but one group.
 */
export function splitRows(options: SplitOptions): Split {
  const { rows, classes, groups, fraction, of = rows.length, shuffle, seed, draw = 0 } = options
  const n = rows.length
  const isValidation = new Uint8Array(n)
  const wanted =
    fraction === null || n < 2 ? 0 : Math.min(n - 1, Math.max(1, Math.round(of * fraction)))
  if (wanted > 0) {
    const order = shuffle
      ? permutation(seed, 'split', draw, n)
      : Uint32Array.from({ length: n }, (_, i) => n - 1 - i)
    if (groups !== null) markGroups(isValidation, order, groups, wanted)
    else if (classes !== null && shuffle) markStratified(isValidation, order, classes, wanted)
    else for (const i of order.subarray(0, wanted)) isValidation[i] = 1
  }
  return {
    training: rows.filter((_, i) => isValidation[i] === 0),
    validation: rows.filter((_, i) => isValidation[i] === 1),
  }
}

/** Groups come in the order in which their first row is drawn. */
function markGroups(
  isValidation: Uint8Array,
  order: Uint32Array,
  groups: Int32Array,
  wanted: number,
): void {
  const sizes = new Map<number, number>()
  for (const i of order) sizes.set(groups[i] ?? 0, (sizes.get(groups[i] ?? 0) ?? 0) + 1)
  if (sizes.size < 2) {
    throw new DataError([{ detail: 'A split by groups needs at least two groups, there is one' }])
  }
  const drawn = new Set<number>()
  let total = 0
  for (const [group, size] of sizes) {
    const isNearer = Math.abs(total + size - wanted) < Math.abs(total - wanted)
    if (!isNearer || drawn.size === sizes.size - 1) continue
    drawn.add(group)
    total += size
  }
  // Where every group is far larger than the part should be, the smallest is nearest to it.
  if (drawn.size === 0) {
    drawn.add([...sizes].reduce((best, entry) => (entry[1] < best[1] ? entry : best))[0])
  }
  for (const [i, group] of groups.entries()) if (drawn.has(group)) isValidation[i] = 1
}

function markStratified(
  isValidation: Uint8Array,
  order: Uint32Array,
  classes: Int32Array,
  wanted: number,
): void {
  const sizes = countClasses(classes)
  const left = shareOut(sizes, wanted)
  for (const row of order) {
    const label = classes[row] ?? 0
    const quota = left[label] ?? 0
    if (quota === 0) continue
    left[label] = quota - 1
    isValidation[row] = 1
  }
}

function countClasses(classes: Int32Array): number[] {
  const sizes: number[] = []
  for (const label of classes) {
    while (sizes.length <= label) sizes.push(0)
    sizes[label] = (sizes[label] ?? 0) + 1
  }
  return sizes
}

/** Validation rows of each class by largest remainder, ties to the lower class. */
function shareOut(sizes: readonly number[], wanted: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  // Whole-number arithmetic: shares that are equal must tie.
  const remainders = sizes.map((size) => (size * wanted) % total)
  const quotas = sizes.map((size) => Math.min(spareRows(size), Math.floor((size * wanted) / total)))
  let left = wanted - quotas.reduce((sum, quota) => sum + quota, 0)
  const byRemainder = [...sizes.keys()].sort(
    (a, b) => (remainders[b] ?? 0) - (remainders[a] ?? 0) || a - b,
  )
  const give = (limit: (size: number) => number): void => {
    for (let gave = true; gave && left > 0; ) {
      gave = false
      for (const label of byRemainder) {
        if (left === 0 || (quotas[label] ?? 0) >= limit(sizes[label] ?? 0)) continue
        quotas[label] = (quotas[label] ?? 0) + 1
        left -= 1
        gave = true
      }
    }
  }
  give(spareRows)
  give((size) => (size === 1 ? 1 : spareRows(size)))
  return quotas
}

function spareRows(size: number): number {
  return Math.max(0, size - 1)
}
