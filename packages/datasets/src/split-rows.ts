import { permutation } from '@trainyard/engine/random'

export interface SplitOptions {
  rows: number
  /** Class of each row when the shares of classes are to be kept; null otherwise. */
  classes: Int32Array | null
  validation: { fraction: number; stratify: boolean } | null
  /** False: the last rows validate and nothing is drawn. */
  shuffle: boolean
  seed: bigint
}

/** Row indices, ascending. */
export interface Split {
  training: Uint32Array
  validation: Uint32Array
}

/**
 * Draws the validation rows, the same ones for the same seed. Stratified, every class gives its share by largest
 * remainder, and a class of two rows or more keeps at least one for training; a class of one row stays in training
 * unless the other classes cannot fill the validation part.
 */
export function splitRows(options: SplitOptions): Split {
  const { rows, classes, validation, shuffle, seed } = options
  const isValidation = new Uint8Array(rows)
  const wanted =
    validation === null || rows < 2
      ? 0
      : Math.min(rows - 1, Math.max(1, Math.round(rows * validation.fraction)))
  if (!shuffle) isValidation.fill(1, rows - wanted)
  else if (wanted > 0) {
    const order = permutation(seed, 'split', 0, rows)
    if (validation?.stratify && classes !== null) {
      markStratified(isValidation, order, classes, wanted)
    } else for (const row of order.subarray(0, wanted)) isValidation[row] = 1
  }
  return {
    training: rowsWhere(isValidation, 0),
    validation: rowsWhere(isValidation, 1),
  }
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

function rowsWhere(marks: Uint8Array, mark: 0 | 1): Uint32Array {
  const found = new Uint32Array(marks.reduce((sum, value) => sum + Number(value === mark), 0))
  let at = 0
  for (const [row, value] of marks.entries()) if (value === mark) found[at++] = row
  return found
}
