import type { Column } from '@trainyard/contracts'
import type { Table } from '@trainyard/datasets'
import { expect, it } from 'vitest'
import { packSplit, TEST_ROW, TRAINING_ROW, VALIDATION_ROW } from './pack-split.ts'
import { prepareFolds, prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

const ROWS = 40

function column(name: string, levels: string[] | null, role: Column['role']): Column {
  const statistics = { missing: 0, min: null, max: null, mean: null, std: null }
  return { name, type: 'number', role, levels, ...statistics }
}

/** Every tenth value of `x` is missing; a quarter of the rows is of the first class. */
function makeInput() {
  const values = (of: (row: number) => number) => {
    const all = new Float64Array(new SharedArrayBuffer(8 * ROWS))
    for (let row = 0; row < ROWS; row++) all[row] = of(row)
    return all
  }
  const table: Table = {
    rows: ROWS,
    columns: new Map([
      ['x', { type: 'number', values: values((row) => (row % 10 === 9 ? Number.NaN : row)) }],
      ['y', { type: 'number', values: values((row) => (row % 4 === 0 ? 10 : 9)) }],
    ]),
  }
  const columns = [column('x', null, 'feature'), column('y', ['10', '9'], 'target')]
  const resolved = makeResolved({ inputs: 1, outputs: 1 })
  resolved.preprocessing.missing = 'drop_row'
  return { table, columns, target: 'y', resolved }
}

function rowsOf(parts: Uint8Array, part: number): number[] {
  return [...parts.keys()].filter((row) => parts[row] === part)
}

it('says of every row whether it trains, validates or was left out', () => {
  const input = makeInput()

  const parts = packSplit(input)

  const { trainingRowIndices, validationRowIndices } = prepareTraining(input)
  expect(parts.length).toBe(ROWS)
  expect(rowsOf(parts, TRAINING_ROW)).toEqual([...trainingRowIndices])
  expect(rowsOf(parts, VALIDATION_ROW)).toEqual([...validationRowIndices])
  expect(rowsOf(parts, 0)).toEqual([9, 19, 29, 39])
})

it('says of every row in which fold it validates', () => {
  const input = makeInput()
  input.resolved.validation = { folds: 3, stratify: true, group_column: null }

  const parts = packSplit(input)

  const folds = [...prepareFolds(input)]
  expect(folds.length).toBe(3)
  for (const [fold, { validationRowIndices }] of folds.entries()) {
    expect(rowsOf(parts, VALIDATION_ROW + fold)).toEqual([...validationRowIndices])
  }
  expect(rowsOf(parts, 0)).toEqual([9, 19, 29, 39])
})

it('has the rows of a table for validation after its own', () => {
  const input = makeInput()
  input.resolved.validation = { dataset_id: 'ds_2', rows: ROWS }
  const validationTable = makeInput().table

  const parts = packSplit({ ...input, validationTable })

  const isComplete = Array.from({ length: ROWS }, (_, row) => row % 10 !== 9)
  expect([...parts]).toEqual([
    ...isComplete.map((complete) => (complete ? TRAINING_ROW : 0)),
    ...isComplete.map((complete) => (complete ? VALIDATION_ROW : 0)),
  ])
})

it('says of every row whether it tests, which are the same whatever validates', () => {
  const input = makeInput()
  input.resolved.test = { fraction: 0.25, stratify: true, group_column: null }
  const prepared = prepareTraining(input)

  const parts = packSplit(input)
  input.resolved.validation = { folds: 3, stratify: true, group_column: null }
  const folded = packSplit(input)

  expect(rowsOf(parts, TEST_ROW).length).toBe(9)
  expect(rowsOf(parts, TEST_ROW)).toEqual([...prepared.testRowIndices])
  expect(rowsOf(parts, VALIDATION_ROW)).toEqual([...prepared.validationRowIndices])
  expect(rowsOf(parts, TRAINING_ROW)).toEqual([...prepared.trainingRowIndices])
  // Of 36 rows that lack no value: a fifth validates, a quarter tests, by classes of 9 and 27.
  expect([prepared.test?.rows, prepared.validation?.rows, prepared.training.rows]).toEqual([
    9, 7, 20,
  ])
  expect(rowsOf(folded, TEST_ROW)).toEqual([...prepared.testRowIndices])
  const inFolds = [0, 1, 2].flatMap((fold) => rowsOf(folded, VALIDATION_ROW + fold))
  expect(inFolds.length).toBe(27)
})

it('takes the last rows for the test when nothing is drawn, and those before for validation', () => {
  const input = makeInput()
  input.resolved.preprocessing.missing = 'mean'
  input.resolved.training.shuffle = false
  input.resolved.test = { fraction: 0.1, stratify: false, group_column: null }

  const parts = packSplit(input)

  expect(rowsOf(parts, TEST_ROW)).toEqual([36, 37, 38, 39])
  expect(rowsOf(parts, VALIDATION_ROW)).toEqual([28, 29, 30, 31, 32, 33, 34, 35])
})

it('keeps groups whole in all three parts', () => {
  const input = makeInput()
  input.resolved.preprocessing.missing = 'mean'
  const groups = new Float64Array(new SharedArrayBuffer(8 * ROWS))
  groups.set(Array.from({ length: ROWS }, (_, row) => row % 8))
  input.table.columns.set('g', { type: 'number', values: groups })
  const part = { stratify: false, group_column: 'g' }
  input.resolved.test = { fraction: 0.25, ...part }
  input.resolved.validation = { fraction: 0.25, ...part }

  const parts = packSplit(input)

  const groupsOf = (part: number) => new Set(rowsOf(parts, part).map((row) => row % 8))
  const all = [TRAINING_ROW, VALIDATION_ROW, TEST_ROW].map(groupsOf)
  expect(all.map(({ size }) => size)).toEqual([4, 2, 2])
  expect(new Set(all.flatMap((set) => [...set])).size).toBe(8)
})

it('has the rows of a table for tests after all others', () => {
  const input = makeInput()
  input.resolved.validation = { dataset_id: 'ds_2', rows: ROWS }
  input.resolved.test = { dataset_id: 'ds_3', rows: ROWS }
  const held = { validationTable: makeInput().table, testTable: makeInput().table }

  const parts = packSplit({ ...input, ...held })

  const complete = [...Array(ROWS).keys()].filter((row) => row % 10 !== 9)
  expect(parts.length).toBe(3 * ROWS)
  expect(rowsOf(parts, TEST_ROW)).toEqual(complete.map((row) => 2 * ROWS + row))
  expect(rowsOf(parts, VALIDATION_ROW)).toEqual(complete.map((row) => ROWS + row))
})
