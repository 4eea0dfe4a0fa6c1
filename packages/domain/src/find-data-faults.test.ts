import type { Column, ResolvedConfig } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { findDataFaults } from './find-data-faults.ts'
import type { DatasetFacts } from './resolve-config.ts'

function makeFacts(columns: Partial<Column>[]): DatasetFacts {
  const plain = { missing: 0, min: 0, max: 1, mean: null, std: null, levels: null }
  return {
    rows: 30,
    target: 'y',
    task: 'classification',
    columns: columns.map((column) => ({
      ...{ name: 'a', type: 'number', role: 'feature', ...plain },
      ...column,
    })),
  }
}

const TABLE = makeFacts([
  { name: 'age', missing: 3 },
  { name: 'a/b', missing: 1 },
  { name: 'full' },
  { name: 'note', missing: 9, role: 'id' },
])

function findIn(
  dataset: DatasetFacts,
  policy: Partial<ResolvedConfig['preprocessing']> = {},
  test: DatasetFacts | null = null,
) {
  const preprocessing: ResolvedConfig['preprocessing'] = {
    ...{ numeric: 'standardize', target: 'none', missing: 'mean', missing_indicators: false },
    ...{ unseen_category: 'zero', max_levels: 64, columns: {} },
    ...policy,
  }
  const context = {
    ...{ dataset, validationSet: null, initialModel: null, inputWidth: () => 1, drawSeed: () => 1 },
    testSet: test === null ? null : { ...test, part: 'test' as const, id: 'ds_2' },
  }
  return findDataFaults(context, preprocessing)
}

it('names each feature that lacks values where "error" takes none, and what helps', () => {
  const faults = findIn(TABLE, { missing: 'error' })

  expect(faults).toEqual([
    {
      pointer: '#/preprocessing/missing',
      detail: expect.stringMatching(/^"age" lacks 3 values, .* ignore the column or .* "mean"/),
    },
    { pointer: '#/preprocessing/missing', detail: expect.stringMatching(/^"a\/b" lacks 1 value,/) },
  ])
})

it('points to the rule of the column where it has one', () => {
  const columns = { 'a/b': { missing: 'error' }, age: { missing: 'median' } } as const

  expect(findIn(TABLE, { columns }).map(({ pointer }) => pointer)).toEqual([
    '#/preprocessing/columns/a~1b/missing',
  ])
  expect(findIn(TABLE, { missing: 'error', columns })).toHaveLength(1)
})

it('takes missing values that are replaced, or whose rows are left out', () => {
  expect(findIn(TABLE)).toEqual([])
  expect(findIn(TABLE, { missing: 'drop_row', columns: { age: { missing: 'error' } } })).toEqual([])
})

it('looks at another data set in the roles of the training set', () => {
  const training = makeFacts([{ name: 'age' }, { name: 'w', role: 'weight' }])
  const test = makeFacts([
    { name: 'age', missing: 2, role: 'ignored' },
    { name: 'w', missing: 1 },
    { name: 'more', missing: 5 },
  ])

  expect(findIn(training, { missing: 'error' }, test)).toEqual([
    { pointer: '#/test/dataset_id', detail: expect.stringContaining('"age" lacks 2 values') },
    { pointer: '#/test/dataset_id', detail: expect.stringContaining('the weight "w" lacks 1') },
  ])
})

it('refuses weights that are missing or negative', () => {
  const faults = findIn(makeFacts([{ name: 'w', role: 'weight', missing: 2, min: -1.5 }]))

  expect(faults).toEqual([
    { pointer: '#/dataset_id', detail: expect.stringContaining('the weight "w" lacks 2 values') },
    { pointer: '#/dataset_id', detail: expect.stringContaining('goes down to -1.5; every row') },
  ])
})
