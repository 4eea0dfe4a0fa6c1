/**
 * What is fitted comes from the training rows alone: with rows for validation whose every statistic is far off, it is the
 * same to the bit as with tame ones.
 */
import type { ResolvedConfig } from '@trainyard/contracts'
import { inputWidth, type Table } from '@trainyard/datasets'
import { describe, expect, it } from 'vitest'
import { describeMixed, MIXED_RULES, type MixedRow, makeMixedTable } from './mixed-table.fixture.ts'
import { type PreparedTraining, prepareFolds, prepareTraining } from './prepare-training.ts'
import { makeResolved } from './resolved-config.fixture.ts'

type Rules = Pick<ResolvedConfig['preprocessing'], 'numeric' | 'missing'>

const ROWS = 80

const KINDS: Rules[] = [
  { numeric: 'standardize', missing: 'mean' },
  { numeric: 'robust', missing: 'median' },
  { numeric: 'min_max', missing: 'most_frequent' },
]

/** Every seventh row lacks its values, so that something has to stand in for them. */
function makeTame(row: number): MixedRow {
  if (row % 7 === 3) {
    const nothing = { size: null, amount: null, flag: null, town: null, grade: null, when: null }
    return { ...nothing, y: row }
  }
  return {
    size: row % 13,
    amount: row % 11,
    flag: row % 5 === 0,
    town: ['Bonn', 'Bonn', 'Ulm', 'Jena'][row % 4] ?? null,
    grade: row % 3 === 0 ? 'middle' : 'low',
    when: `20${10 + (row % 9)}-05-17`,
    y: row,
  }
}

function makeWild(row: number): MixedRow {
  return {
    size: 1e9 + row,
    amount: 1e12 + row,
    flag: true,
    town: 'Köln',
    grade: 'high',
    when: '1703-01-01',
    y: -1e9 - row,
  }
}

/** Every level is there in any case: the network's width is the schema's, which knows all rows. */
function makeRows(wild: Iterable<number>): MixedRow[] {
  const isWild = new Set(wild)
  return Array.from({ length: ROWS }, (_, row) => (isWild.has(row) ? makeWild(row) : makeTame(row)))
}

const SCHEMA = describeMixed(makeMixedTable([...makeRows([]), makeWild(0)]))

function makeInput(
  rules: Rules,
  { wild, validation }: { wild: Iterable<number>; validation: ResolvedConfig['validation'] },
) {
  const resolved = makeResolved({ inputs: 1, outputs: 1, task: 'regression' })
  const config: ResolvedConfig['preprocessing'] = {
    ...resolved.preprocessing,
    ...rules,
    missing_indicators: true,
    unseen_category: 'other',
    max_levels: 2,
    columns: structuredClone(MIXED_RULES) as never,
  }
  resolved.preprocessing = config
  resolved.validation = validation
  resolved.model.inputs = inputWidth(SCHEMA, config)
  const table = withAllLevels(makeMixedTable(makeRows(wild)))
  return { table, columns: SCHEMA, target: 'y', resolved }
}

function withAllLevels(table: Table): Table {
  for (const { name, levels } of SCHEMA) {
    const column = table.columns.get(name)
    if (column?.type !== 'category' || levels === null) continue
    const codes = column.codes.map((code) => levels.indexOf(column.levels[code] ?? ''))
    column.codes.set(codes)
    table.columns.set(name, { ...column, levels })
  }
  return table
}

/** All that the validation rows must not reach. */
const fittedOf = ({ preprocessing, training }: PreparedTraining) => ({ preprocessing, training })

describe.each(KINDS)('with $numeric and $missing', (rules) => {
  it('a held-out part changes nothing that is fitted, and would change every column if it were seen', () => {
    const validation = { fraction: 0.6, stratify: false, group_column: null }
    const tame = prepareTraining(makeInput(rules, { wild: [], validation }))
    const wild = tame.validationRowIndices

    const prepared = prepareTraining(makeInput(rules, { wild, validation }))
    const seen = prepareTraining(makeInput(rules, { wild, validation: null }))

    expect(prepared.validationRowIndices).toEqual(wild)
    expect(prepared.validation).not.toEqual(tame.validation)
    expect(fittedOf(prepared)).toEqual(fittedOf(tame))
    for (const [i, transform] of seen.preprocessing.columns.entries()) {
      expect(transform).not.toEqual(prepared.preprocessing.columns[i])
    }
    expect(seen.preprocessing.target).not.toEqual(prepared.preprocessing.target)
  })

  it('a fold changes nothing that is fitted for it', () => {
    const validation = { folds: 3, stratify: false, group_column: null }
    const tame = [...prepareFolds(makeInput(rules, { wild: [], validation }))]

    expect(tame.length).toBe(3)
    for (const [fold, { validationRowIndices: wild }] of tame.entries()) {
      const prepared = [...prepareFolds(makeInput(rules, { wild, validation }))]
      for (const [i, data] of prepared.entries()) {
        if (i === fold) expect(fittedOf(data)).toEqual(fittedOf(tame[i] as PreparedTraining))
        else expect(data.preprocessing).not.toEqual(tame[i]?.preprocessing)
      }
    }
  })

  it('a test part changes nothing, of what is fitted and of what validates', () => {
    const validation = { fraction: 0.2, stratify: false, group_column: null }
    const test = { fraction: 0.4, stratify: false, group_column: null }
    const prepare = (wild: Iterable<number>) => {
      const input = makeInput(rules, { wild, validation })
      return prepareTraining({ ...input, resolved: { ...input.resolved, test } })
    }
    const tame = prepare([])

    const prepared = prepare(tame.testRowIndices)

    expect(prepared.test).not.toEqual(tame.test)
    expect(fittedOf(prepared)).toEqual(fittedOf(tame))
    expect(prepared.validation).toEqual(tame.validation)
  })

  it('a data set of its own changes nothing', () => {
    const alone = prepareTraining(makeInput(rules, { wild: [], validation: null }))
    const validationTable = makeMixedTable(Array.from({ length: 500 }, (_, row) => makeWild(row)))
    const validation = { dataset_id: 'ds_2', rows: 500 }

    const prepared = prepareTraining({
      ...makeInput(rules, { wild: [], validation }),
      validationTable,
    })

    expect(prepared.validation?.rows).toBe(500)
    expect(fittedOf(prepared)).toEqual(fittedOf(alone))
  })
})
