import type { Column, FieldError, ResolvedConfig } from '@trainyard/contracts'
import { describe, expect, it } from 'vitest'
import type { DatasetFacts } from './resolve-config.ts'
import { type HeldOutSet, resolveHeldOutSet } from './resolve-held-out-set.ts'

const TRAINING = makeFacts([
  ['size', 'number', 'feature'],
  ['city', 'category', 'feature', ['Bonn', 'Ulm']],
  ['weight', 'number', 'weight'],
  ['note', 'category', 'id'],
  ['y', 'number', 'target', ['0', '1', '2']],
])

type Given = [Column['name'], Column['type'], Column['role'], (string[] | null)?]

function makeFacts(columns: Given[], target = 'y'): DatasetFacts {
  const statistics = { missing: 0, min: null, max: null, mean: null, std: null }
  return {
    rows: 30,
    target,
    task: 'classification',
    columns: columns.map(([name, type, role, levels = null]) => ({
      ...{ name, type, role, levels, ...statistics },
    })),
  }
}

function check(
  set: DatasetFacts,
  task: DatasetFacts['task'] = 'classification',
  part: HeldOutSet['part'] = 'validation',
  policy: Partial<ResolvedConfig['preprocessing']> = {},
) {
  const errors: FieldError[] = []
  const preprocessing: ResolvedConfig['preprocessing'] = {
    numeric: 'standardize',
    target: 'none',
    missing: 'mean',
    missing_indicators: false,
    unseen_category: 'zero',
    max_levels: 64,
    columns: {},
    ...policy,
  }
  const given = { part, id: 'ds_2', ...set }
  const resolved = resolveHeldOutSet(TRAINING, given, { task, preprocessing }, errors)
  if (errors.some(({ pointer }) => pointer !== `#/${part}/dataset_id`)) throw new Error('astray')
  return { resolved, faults: errors.map(({ detail }) => detail) }
}

describe('a set that fits', () => {
  it('may have its columns in another order and more of them, other levels and fewer classes', () => {
    const set = makeFacts([
      ['y', 'number', 'target', ['2']],
      ['city', 'category', 'feature', ['Jena']],
      ['size', 'boolean', 'id'],
      ['weight', 'number', 'feature'],
      ['more', 'category', 'feature', ['a']],
    ])

    expect(check(set)).toEqual({ resolved: { dataset_id: 'ds_2', rows: 30 }, faults: [] })
  })

  it('has classes by their names, whatever type they were read as', () => {
    const set = makeFacts([...columnsBut('y'), ['y', 'category', 'target', ['0', '2']]])

    expect(check(set).faults).toEqual([])
  })
})

describe('a set that does not fit', () => {
  it.each<[string, Given[], string]>([
    ['lacks a feature', columnsBut('size'), 'has no column "size"'],
    ['lacks the row weights', columnsBut('weight'), 'has no column "weight"'],
    [
      'ignores a feature',
      [...columnsBut('city'), ['city', 'category', 'ignored']],
      'ignores its column "city"',
    ],
    [
      'has another type',
      [...columnsBut('city'), ['city', 'number', 'feature']],
      '"city" is number in the validation data set and category in the training set',
    ],
    [
      'has a class that training never saw',
      [...columnsBut('y'), ['y', 'number', 'target', ['0', '3']]],
      'such as "3"',
    ],
    [
      'has more values than can be classes',
      [...columnsBut('y'), ['y', 'number', 'target', null]],
      'values that are no class of the training set',
    ],
  ])('%s', (_, columns, detail) => {
    expect(check(makeFacts(columns)).faults).toEqual([expect.stringContaining(detail)])
  })

  it('has another target', () => {
    expect(check(makeFacts(columnsBut(), 'size')).faults).toEqual([
      'the validation data set has the target "size"; it must be "y"',
    ])
  })

  it('has text where a regression needs a number', () => {
    const set = makeFacts([...columnsBut('y'), ['y', 'category', 'target', ['low']]])

    expect(check(set, 'regression').faults).toEqual([
      '"y" is category in the validation data set and number in the training set',
    ])
  })

  it('is named by the part that it was to be', () => {
    const faults = check(makeFacts(columnsBut('size')), 'classification', 'test').faults

    expect(faults).toEqual(['the test data set has no column "size"'])
  })

  it('has a level that training never sees and the specification does not allow', () => {
    const set = makeFacts([...columnsBut('city'), ['city', 'category', 'feature', ['Jena', 'Ulm']]])
    const faultsUnder = (policy: Partial<ResolvedConfig['preprocessing']>, given = set) =>
      check(given, 'classification', 'test', policy).faults
    const lacking = { ...set, columns: set.columns.map((column) => ({ ...column, missing: 1 })) }

    expect(faultsUnder({ unseen_category: 'error' })).toEqual([
      expect.stringContaining('in the test data set that the training set lacks, such as "Jena"'),
    ])
    expect(faultsUnder({ unseen_category: 'other' })).toEqual([])
    // Its row may be one of those that are left out.
    expect(faultsUnder({ unseen_category: 'error', missing: 'drop_row' }, lacking)).toEqual([])
  })

  it('names every fault at once', () => {
    expect(check(makeFacts([['y', 'number', 'target', ['0']]])).faults).toHaveLength(3)
  })
})

/** Those of the training set without one of them, and without the id, which nobody needs. */
function columnsBut(left?: string): Given[] {
  return TRAINING.columns
    .filter(({ name }) => name !== left && name !== 'note')
    .map(({ name, type, role, levels }) => [name, type, role, levels])
}
