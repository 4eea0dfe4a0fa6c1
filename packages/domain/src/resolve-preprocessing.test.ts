import type { Column, FieldError, JobSpec } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import { resolvePreprocessing } from './resolve-preprocessing.ts'

const COLUMNS: Column[] = [
  makeColumn('price', 'number', { min: -1 }),
  makeColumn('isNew', 'boolean'),
  makeColumn('size', 'category', { levels: ['L', 'M', 'S'] }),
  makeColumn('id', 'number', { role: 'id' }),
]

describe('resolvePreprocessing', () => {
  it('keeps what single columns ask for, beside the rules for all', () => {
    const columns: NonNullable<JobSpec['preprocessing']>['columns'] = {
      price: { numeric: 'robust', missing: { constant: 0 } },
      size: { encoding: 'ordinal', order: ['S', 'M', 'L'], numeric: 'min_max', missing: 'median' },
    }

    const { resolved, errors } = resolve({ missing_indicators: true, columns })

    expect(errors).toEqual([])
    expect(resolved).toEqual({
      numeric: 'standardize',
      target: 'none',
      missing: 'mean',
      missing_indicators: true,
      unseen_category: 'zero',
      max_levels: 64,
      columns,
    })
  })

  it.each<[string, NonNullable<JobSpec['preprocessing']>['columns'], string, RegExp]>([
    ['a column there is not', { 'a/b': {} }, 'a~1b', /no column "a\/b"/],
    ['a column that is no feature', { id: { numeric: 'none' } }, 'id', /role "id"/],
    ['levels of a number', { price: { encoding: 'one_hot' } }, 'price/encoding', /number column/],
    [
      'text for a missing number',
      { price: { missing: { constant: 'x' } } },
      'price/missing/constant',
      /"x" is text/,
    ],
    ['a logarithm below its domain', { price: { log1p: true } }, 'price/log1p', /is -1$/],
    ['scaling of a boolean', { isNew: { numeric: 'robust' } }, 'isNew/numeric', /0 and 1/],
    ['a logarithm of a category', { size: { log1p: true } }, 'size/log1p', /for numbers/],
    ['scaling of one input per level', { size: { numeric: 'robust' } }, 'size/numeric', /ordinal/],
    ['the mean of levels', { size: { missing: 'mean' } }, 'size/missing', /most_frequent/],
    [
      'a level there is not',
      { size: { missing: { constant: 'XL' } } },
      'size/missing/constant',
      /"XL".*"L", "M", "S"/,
    ],
    ['an order of no ordinal', { size: { order: ['S', 'M', 'L'] } }, 'size/order', /ordinal/],
    [
      'an order that repeats',
      { size: { encoding: 'ordinal', order: ['S', 'S', 'M', 'L'] } },
      'size/order',
      /"S".*twice/,
    ],
    [
      'an order that lacks a level',
      { size: { encoding: 'ordinal', order: ['S', 'M'] } },
      'size/order',
      /"L" is not there/,
    ],
  ])('refuses %s and says where', (_, columns, pointer, detail) => {
    const { errors } = resolve({ columns })

    expect(errors).toEqual([
      { pointer: `#/preprocessing/columns/${pointer}`, detail: expect.stringMatching(detail) },
    ])
  })
})

function resolve(preprocessing: JobSpec['preprocessing']) {
  const errors: FieldError[] = []
  const spec = { dataset_id: 'ds_1', preprocessing }
  return { resolved: resolvePreprocessing(spec, 'classification', COLUMNS, errors), errors }
}

function makeColumn(name: string, type: Column['type'], facts: Partial<Column> = {}): Column {
  const none = { missing: 0, min: null, max: null, mean: null, std: null, levels: null }
  return { name, type, role: 'feature', ...none, ...facts }
}
