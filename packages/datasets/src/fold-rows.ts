import { permutation } from '@trainyard/engine/random'
import { DataError } from './data-error.ts'
import type { Split } from './split-rows.ts'

export interface FoldOptions {
  /** The rows to share out, ascending. */
  rows: Uint32Array
  /** Class of each of these rows when the shares of classes are to be kept; null otherwise. */
  classes: Int32Array | null
  folds: number
  /** False: folds are stretches of the data set and nothing is drawn. */
  shuffle: boolean
  seed: bigint
}

/**
 * Deals the rows to folds, each of which validates once while the others train; the same folds for the same seed. Sizes
 * differ by one at most, and stratified so do the rows of a class. Throws DataError where a fold would be empty.
 */
export function foldRows({ rows, classes, folds, shuffle, seed }: FoldOptions): Split[] {
  const n = rows.length
  if (n < folds) {
    throw new DataError([{ detail: `${n} rows cannot be dealt to ${folds} folds` }])
  }
  const foldOf = new Uint8Array(n)
  if (shuffle) {
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
