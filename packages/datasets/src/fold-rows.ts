import { permutation } from '@trainyard/engine/random'
import { DataError } from './data-error.ts'
import type { Split } from './split-rows.ts'

export interface FoldOptions {
  /** The rows to share out, ascending. */
  rows: Uint32Array
  /** Class of each of these rows when the shares of classes are to be kept; null otherwise. */
  classes: Int32Array | null
  /** Group of each of these rows when a group is to validate as a whole; null otherwise. */
  groups: Int32Array | null
  folds: number
  /** False: folds are stretches of the data set and nothing is drawn. */
  shuffle: boolean
  seed: bigint
}

/**
 * Deals the rows to folds, each of which validates once while the others train; the same folds for the same seed. Sizes
 * differ by one at most, and stratified so do the rows of a class. Grouped, the largest groups are dealt first, each to the
 * fold with the fewest rows. Throws DataError where a fold would be empty.
 */
export function foldRows({ rows, classes, groups, folds, shuffle, seed }: FoldOptions): Split[] {
  const n = rows.length
  if (n < folds) {
    const remedy =
      'Use fewer folds, or have missing values replaced instead of dropping their rows.'
    throw new DataError([{ detail: `${n} rows cannot be dealt to ${folds} folds`, remedy }])
  }
  const foldOf = new Uint8Array(n)
  if (groups !== null) {
    const order = shuffle ? permutation(seed, 'split', 0, n) : groups.keys()
    const foldOfGroup = dealGroups(groups, order, folds)
    for (const [i, group] of groups.entries()) foldOf[i] = foldOfGroup.get(group) ?? 0
  } else if (shuffle) {
    // Class after class in the order drawn, so that dealing in turn gives every fold its share of each.
    const order = [...permutation(seed, 'split', 0, n)]
    if (classes !== null) order.sort((a, b) => (classes[a] ?? 0) - (classes[b] ?? 0))
    for (const [turn, i] of order.entries()) foldOf[i] = turn % folds
  } else {
    for (let i = 0; i < n; i++) foldOf[i] = Math.floor((i * folds) / n)
  }
  return Array.from({ length: folds }, (_, fold) => ({
    training: rows.filter((_, i) => foldOf[i] !== fold),
    validation: rows.filter((_, i) => foldOf[i] === fold),
  }))
}

/** The fold of each group; of equal groups the one whose first row comes first in the order goes first. */
function dealGroups(
  groups: Int32Array,
  order: Iterable<number>,
  folds: number,
): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const i of order) sizes.set(groups[i] ?? 0, (sizes.get(groups[i] ?? 0) ?? 0) + 1)
  if (sizes.size < folds) {
    throw new DataError([{ detail: `${sizes.size} groups cannot be dealt to ${folds} folds` }])
  }
  const totals = new Array<number>(folds).fill(0)
  const foldOfGroup = new Map<number, number>()
  for (const [group, size] of [...sizes].sort(([, a], [, b]) => b - a)) {
    const fold = totals.indexOf(Math.min(...totals))
    totals[fold] = (totals[fold] ?? 0) + size
    foldOfGroup.set(group, fold)
  }
  return foldOfGroup
}
