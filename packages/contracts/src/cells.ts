/**
 * Tables in JSON bodies. A schema per cell costs 0.3 µs, which is 150 ms of a busy event loop for one mebibyte of digits; one
 * loop over all cells costs a fiftieth. What it accepts is said to JSON Schema by hand.
 */
import { z } from 'zod'

export const cellSchema = z.union([z.number(), z.string(), z.boolean(), z.null()])
export type Cell = z.infer<typeof cellSchema>

/** Faults reported of one table; a file of the wrong kind would have one per cell. */
const FAULTS_MAX = 20
const CELL_JSON_SCHEMA = { type: ['number', 'string', 'boolean', 'null'] }
const CELL_FAULT = 'must be a finite number, a string, a boolean or null'

/** `[[1, "a", null], …]`, at least one row. */
export function rowsSchema(rowsMax: number): z.ZodType<Cell[][], Cell[][]> {
  return listSchema(rowsMax, { type: 'array', items: CELL_JSON_SCHEMA }, (row, fault) => {
    if (!Array.isArray(row)) return fault([], 'must be an array of cells')
    for (let i = 0; i < row.length; i++) if (!isCell(row[i])) fault([i], CELL_FAULT)
  })
}

/** `[{"a": 1, "b": "x"}, …]`, at least one record. */
export function recordsSchema(
  recordsMax: number,
): z.ZodType<Record<string, Cell>[], Record<string, Cell>[]> {
  const jsonSchema = { type: 'object', additionalProperties: CELL_JSON_SCHEMA }
  return listSchema(recordsMax, jsonSchema, (record, fault) => {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      return fault([], 'must be an object of column name to cell')
    }
    for (const [name, cell] of Object.entries(record)) if (!isCell(cell)) fault([name], CELL_FAULT)
  })
}

type Fault = (path: (string | number)[], message: string) => void

function listSchema<Item>(
  itemsMax: number,
  items: Record<string, unknown>,
  check: (item: unknown, fault: Fault) => void,
): z.ZodType<Item[], Item[]> {
  const schema = z
    .any()
    .superRefine((list: unknown, context) => {
      let faults = 0
      const refuse: Fault = (path, message) => {
        faults += 1
        if (faults <= FAULTS_MAX) context.addIssue({ code: 'custom', path, message })
      }
      if (list === undefined) return refuse([], 'is required')
      if (!Array.isArray(list)) return refuse([], 'must be an array')
      if (list.length === 0) return refuse([], 'must hold at least 1 item')
      if (list.length > itemsMax) {
        return refuse([], `must hold at most ${itemsMax} items, got ${list.length}`)
      }
      for (let i = 0; i < list.length && faults < FAULTS_MAX; i++) {
        check(list[i], (path, message) => refuse([i, ...path], message))
      }
    })
    .meta({ type: 'array', items, minItems: 1, maxItems: itemsMax })
  return schema as z.ZodType<Item[], Item[]>
}

function isCell(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value)
    case 'string':
    case 'boolean':
      return true
    default:
      return value === null
  }
}
