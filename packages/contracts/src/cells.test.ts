import { describe, expect, it } from 'vitest'
import {
  matrixSchema,
  namedNumbersSchema,
  numbersSchema,
  recordSchema,
  recordsSchema,
  rowsSchema,
} from './cells.ts'

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

describe('numbers', () => {
  const [list, matrix, named] = [numbersSchema(3), matrixSchema(3), namedNumbersSchema(3)]

  it('are taken as they are', () => {
    expect(list.parse([1, -2.5e300])).toEqual([1, -2.5e300])
    expect(matrix.parse([[1, 2], []])).toEqual([[1, 2], []])
    expect(named.parse({ constructor: 1 })).toEqual({ constructor: 1 })
    expect(recordSchema.parse({ a: 'x', b: null })).toEqual({ a: 'x', b: null })
  })

  it('are refused at their place, in a row at the first', () => {
    expect(placesOf(list.safeParse([1, '2', null]))).toEqual(['1', '2'])
    expect(placesOf(matrix.safeParse([[1, '2', '3'], 4]))).toEqual(['0.1', '1'])
    expect(placesOf(named.safeParse({ x: 1, y: '2' }))).toEqual(['y'])
    expect(placesOf(recordSchema.safeParse({ a: [], b: 1 }))).toEqual(['a'])
  })

  it('are bounded', () => {
    expect(placesOf(list.safeParse([1, 2, 3, 4]))).toEqual([''])
    expect(placesOf(matrix.safeParse([[1], [2], [3], [4]]))).toEqual([''])
    expect(placesOf(named.safeParse({ a: 1, b: 2, c: 3, d: 4 }))).toEqual([''])
  })

  it('have few faults, however many are wrong', () => {
    const wrong = Array(200_000).fill('x')

    expect(placesOf(matrix.safeParse([wrong, wrong]))).toHaveLength(2)
    expect(placesOf(numbersSchema(200_000).safeParse(wrong))).toHaveLength(20)
  })
})

function placesOf(result: { error?: { issues: { path: PropertyKey[] }[] } | undefined }) {
  return result.error?.issues.map((issue) => issue.path.join('.'))
}
