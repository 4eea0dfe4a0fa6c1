import type { Cell, Column } from '@trainyard/contracts'
import type { Table, TableColumn } from '@trainyard/datasets'

/** A column of every kind that is prepared in its own way, and a number to predict. */
export type MixedRow = {
  size: number | null
  amount: number | null
  flag: boolean | null
  town: string | null
  grade: string | null
  when: string | null
  y: number
}

const TYPES = {
  size: 'number',
  amount: 'number',
  flag: 'boolean',
  town: 'category',
  grade: 'category',
  when: 'date',
  y: 'number',
} as const satisfies Record<keyof MixedRow, Column['type']>

const NAMES = Object.keys(TYPES) as (keyof MixedRow)[]

/** What is prepared differently: logarithms of `amount`, and places of `grade`. */
export const MIXED_RULES = {
  amount: { log1p: true },
  grade: { encoding: 'ordinal', order: ['low', 'middle', 'high'] },
} as const

export function makeMixedTable(rows: readonly MixedRow[]): Table {
  const columns = NAMES.map((name): [string, TableColumn] => {
    const cells = rows.map((row) => row[name])
    return [name, TYPES[name] === 'category' ? makeTexts(cells) : makeNumbers(TYPES[name], cells)]
  })
  return { rows: rows.length, columns: new Map(columns) }
}

/** As a data set of these rows would have them. */
export function describeMixed(table: Table): Column[] {
  return NAMES.map((name) => {
    const column = table.columns.get(name)
    const levels = column?.type === 'category' ? [...column.levels] : null
    const role = name === 'y' ? 'target' : 'feature'
    const statistics = {
      missing: name === 'y' ? 0 : 1,
      min: null,
      max: null,
      mean: null,
      std: null,
    }
    return { name, type: TYPES[name], role, levels, ...statistics }
  })
}

function makeNumbers(type: Exclude<Column['type'], 'category'>, cells: Cell[]): TableColumn {
  const values = new Float64Array(new SharedArrayBuffer(8 * cells.length))
  values.set(
    cells.map((cell) => {
      if (cell === null) return Number.NaN
      return type === 'date' ? Date.parse(`${cell}T00:00Z`) : Number(cell)
    }),
  )
  return { type, values }
}

function makeTexts(cells: Cell[]): TableColumn {
  const levels = [...new Set(cells.filter((cell) => cell !== null).map(String))].sort()
  const codes = new Int32Array(new SharedArrayBuffer(4 * cells.length))
  codes.set(cells.map((cell) => (cell === null ? -1 : levels.indexOf(String(cell)))))
  return { type: 'category', codes, levels }
}
