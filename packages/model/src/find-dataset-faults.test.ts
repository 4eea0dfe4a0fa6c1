import type { Architecture, Column, ColumnTransform } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { findDatasetFaults } from './find-dataset-faults.ts'

const number: ColumnTransform = {
  ...{ kind: 'numeric', column: 'age', type: 'number', missing: 40 },
  ...{ log1p: false, indicator: false, center: 0, scale: 1 },
}
const color: ColumnTransform = {
  ...{ kind: 'one_hot', column: 'color', levels: ['blue', 'red', 'rare'], missing: null },
  ...{ missing_error: false, unseen: 'zero', other: false, untrained: ['rare'], indicator: false },
}
const column = (overrides: Partial<Column>): Column => ({
  ...{ name: 'age', type: 'number', role: 'feature', missing: 0, min: 0, max: 1, mean: 0, std: 1 },
  ...{ levels: null, ...overrides },
})
const texts = (levels: string[] | null, missing = 0) =>
  column({ name: 'color', type: 'category', levels, missing })

const faults = (columns: ColumnTransform[], table: Column[]) =>
  findDatasetFaults(
    [{ architecture: {} as Architecture, preprocessing: { columns, target: null } }],
    table,
    10,
  )

it('finds nothing where the fitted rules have an answer for every cell', () => {
  const table = [column({ missing: 3 }), texts(['green', 'red'], 1), column({ name: 'other' })]

  expect(faults([number, color], table)).toEqual([])
})

it.each<[string, ColumnTransform, Column[], RegExp]>([
  ['a column that is not there', number, [column({ name: 'Age' })], /"age".*lacks it/],
  [
    'another type',
    number,
    [texts(['1'])].map((c) => ({ ...c, name: 'age' })),
    /is a category.*a number/,
  ],
  [
    'missing cells that are refused',
    { ...number, missing: null },
    [column({ missing: 3 })],
    /3 of 10/,
  ],
  ['texts without number', color, [texts(null, 4)], /too many distinct texts/],
  [
    'levels that are refused',
    { ...color, unseen: 'error' },
    [texts(['blue', 'green'])],
    /"green"$/,
  ],
  ['levels that no training row had', { ...color, unseen: 'error' }, [texts(['rare'])], /"rare"$/],
])('names %s', (_, transform, table, reason) => {
  expect(faults([transform], table)).toEqual([expect.stringMatching(reason)])
})

it('takes a column of texts that is empty throughout as missing', () => {
  expect(faults([color], [texts(null, 10)])).toEqual([])
})
