import { describe, expect, it } from 'vitest'
import { recordsSchema, rowsSchema } from './cells.ts'

const rows = rowsSchema(3)
const records = recordsSchema(3)

it('takes numbers, texts, booleans and null', () => {
  const cells = [-0, 1e308, '', 'ä', true, null]

  expect(rows.parse([cells])).toEqual([cells])
  expect(records.parse([{ a: 1, b: null }])).toEqual([{ a: 1, b: null }])
})

describe.each([
  ['rows', rows, [1], '0'],
  ['records', records, { a: 1 }, 'a'],
] as const)('%s', (_, schema, item, cell) => {
  it.each([
    ['no list', undefined, ''],
    ['another thing', 'a,b', ''],
    ['an empty list', [], ''],
    ['more than the most', Array(4).fill(item), ''],
    ['an item that is none', [item, 7], '1'],
  ])('refuses %s, with its place', (_, value, place) => {
    expect(placesOf(schema.safeParse(value))).toEqual([place])
  })

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], [undefined], [{}], [[1]], [10n]])(
    'refuses the cell %s, with its place',
    (wrong) => {
      const bad = Array.isArray(item) ? [wrong] : { a: wrong }

      expect(placesOf(schema.safeParse([item, bad]))).toEqual([`1.${cell}`])
    },
  )
})

it('lists at most twenty faults, whatever the size of the table', () => {
  const table = rowsSchema(1000).safeParse(Array(1000).fill([Number.NaN, Number.NaN]))

  expect(table.error?.issues).toHaveLength(20)
})

function placesOf(result: { error?: { issues: { path: PropertyKey[] }[] } | undefined }) {
  return result.error?.issues.map((issue) => issue.path.join('.'))
}
