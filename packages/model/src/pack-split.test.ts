import type { Column } from '@trainyard/contracts'
import type { Table } from '@trainyard/datasets'
import { expect, it } from 'vitest'
import { packSplit, TRAINING_ROW, VALIDATION_ROW } from './pack-split.ts'
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
