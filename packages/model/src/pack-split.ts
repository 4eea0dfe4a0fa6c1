/**
 * What is kept of a job's split: one byte per row of the data set, so that a million rows are one megabyte. Those of a data
 * set that is for validation come after, and those of one for tests last.
 */
import { drawFolds, drawSplit } from './draw-split.ts'
import type { PrepareInput } from './prepare-training.ts'

/** Lacks a value, and was left out. */
const UNUSED = 0
/** Trains, and does nothing else. */
export const TRAINING_ROW = 1
/** Validates, or does in the first fold; one higher in each fold that follows. */
export const VALIDATION_ROW = 2

/** Tests; beyond the last fold. */
export const TEST_ROW = 255

/** Draws the split of a job, or its folds, and packs it. Throws DataError like `prepareTraining`. */
export function packSplit(input: PrepareInput): Uint8Array<ArrayBuffer> {
  const { table, validationTable, testTable } = input
  const { training, validation, test } = drawSplit(input)
  const folds = drawFolds(input)
  const own = new Uint8Array(table.rows).fill(UNUSED)
  const validating = validationTable == null ? own : new Uint8Array(validationTable.rows)
  const testing = testTable == null ? own : new Uint8Array(testTable.rows)
  mark(own, training, TRAINING_ROW)
  mark(validating, validation, VALIDATION_ROW)
  for (const [fold, split] of folds.entries()) mark(own, split.validation, VALIDATION_ROW + fold)
  mark(testing, test, TEST_ROW)
  return new Uint8Array(Buffer.concat([...new Set([own, validating, testing])]))
}

function mark(parts: Uint8Array, rows: Uint32Array, part: number): void {
  for (const row of rows) parts[row] = part
}
