/**
 * What is kept of a job's split: one byte per row of the data set, so that a million rows are one megabyte. Those of a data
 * set that is for validation come after.
 */
import type { Split } from '@trainyard/datasets'
import { drawFolds, drawSplit } from './draw-split.ts'
import type { PrepareInput } from './prepare-training.ts'

/** Lacks a value, and was left out. */
const UNUSED = 0
/** Trains, and never validates. */
export const TRAINING_ROW = 1
/** Validates, or does in the first fold; one higher in each fold that follows. */
export const VALIDATION_ROW = 2

/** Draws the split of a job, or its folds, and packs it. Throws DataError like `prepareTraining`. */
export function packSplit(input: PrepareInput): Uint8Array<ArrayBuffer> {
  const folds = drawFolds(input)
  if (input.validationTable != null) {
    const { training, validation } = drawSplit(input)
    const none = new Uint32Array()
    const parts = [
      pack(input.table.rows, [{ training, validation: none }]),
      pack(input.validationTable.rows, [{ training: none, validation }]),
    ]
    return new Uint8Array(Buffer.concat(parts))
  }
  return pack(input.table.rows, folds.length > 0 ? folds : [drawSplit(input)])
}

function pack(rows: number, splits: readonly Split[]): Uint8Array<ArrayBuffer> {
  const parts = new Uint8Array(rows).fill(UNUSED)
  for (const row of splits[0]?.training ?? []) parts[row] = TRAINING_ROW
  for (const [fold, { validation }] of splits.entries()) {
    for (const row of validation) parts[row] = VALIDATION_ROW + fold
  }
  return parts
}
