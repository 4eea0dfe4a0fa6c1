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
const RECORD_JSON_SCHEMA = { type: 'object', additionalProperties: CELL_JSON_SCHEMA }
const CELL_FAULT = 'must be a finite number, a string, a boolean or null'

/** `[[1, "a", null], …]`, at least one row. */
export function rowsSchema(rowsMax: number): z.ZodType<Cell[][], Cell[][]> {
  return listSchema(rowsMax, { type: 'array', items: CELL_JSON_SCHEMA }, (row, fault) => {
    if (!Array.isArray(row)) return fault([], 'must be an array of cells')
    let faults = 0
    for (let i = 0; i < row.length && faults < FAULTS_MAX; i++) {
      if (isCell(row[i])) continue
      fault([i], CELL_FAULT)
      faults += 1
    }
  })
}

/** `[{"a": 1, "b": "x"}, …]`, at least one record. */
export function recordsSchema(
  recordsMax: number,
): z.ZodType<Record<string, Cell>[], Record<string, Cell>[]> {
  return listSchema(recordsMax, RECORD_JSON_SCHEMA, checkRecord)
}

/** `{"a": 1, "b": "x"}` */
export const recordSchema: z.ZodType<Record<string, Cell>, Record<string, Cell>> = checkedSchema(
  RECORD_JSON_SCHEMA,
  checkRecord,
)

/** `[1, 2.5, …]`, at least one number. */
export function numbersSchema(numbersMax: number): z.ZodType<number[], number[]> {
  return listSchema(numbersMax, { type: 'number' }, (value, fault) => {
    if (!Number.isFinite(value)) fault([], numberFault(value))
  })
}

/** `[[1, 2], [3, 4], …]`, at least one row. The first fault of a row is reported. */
export function matrixSchema(rowsMax: number): z.ZodType<number[][], number[][]> {
  return listSchema(rowsMax, { type: 'array', items: { type: 'number' } }, (row, fault) => {
    if (!Array.isArray(row)) return fault([], 'must be an array of numbers')
    const bad = row.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) fault([bad], numberFault(row[bad]))
  })
}

/** `{"x": 1, "y": 2.5}` */
export function namedNumbersSchema(
  namesMax: number,
): z.ZodType<Record<string, number>, Record<string, number>> {
  const jsonSchema = {
    type: 'object',
    additionalProperties: { type: 'number' },
    maxProperties: namesMax,
  }
  return checkedSchema(jsonSchema, (value, fault) => {
    if (!isObject(value)) return fault([], 'must be an object of name to number')
    const names = Object.keys(value)
    if (names.length > namesMax) {
      return fault([], `must hold at most ${namesMax} names, got ${names.length}`)
    }
    for (const name of names) {
      if (!Number.isFinite(value[name])) fault([name], numberFault(value[name]))
    }
  })
}

/** A number as it is, and of anything else its type: it may be of any length. */
function numberFault(value: unknown): string {
  return `must be a finite number, got ${typeof value === 'number' ? value : typeOf(value)}`
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

type Fault = (path: (string | number)[], message: string) => void

function checkRecord(record: unknown, fault: Fault): void {
  if (!isObject(record)) {
    fault([], 'must be an object of column name to cell')
    return
  }
  for (const [name, cell] of Object.entries(record)) if (!isCell(cell)) fault([name], CELL_FAULT)
}

function listSchema<Item>(
  itemsMax: number,
  items: Record<string, unknown>,
  check: (item: unknown, fault: Fault) => void,
): z.ZodType<Item[], Item[]> {
  const jsonSchema = { type: 'array', items, minItems: 1, maxItems: itemsMax }
  return checkedSchema(jsonSchema, (list, fault) => {
    if (!Array.isArray(list)) return fault([], 'must be an array')
    if (list.length === 0) return fault([], 'must hold at least 1 item')
    if (list.length > itemsMax) {
      return fault([], `must hold at most ${itemsMax} items, got ${list.length}`)
    }
    let faults = 0
    for (let i = 0; i < list.length && faults < FAULTS_MAX; i++) {
      check(list[i], (path, message) => {
        faults += 1
        fault([i, ...path], message)
      })
    }
  })
}

/** A schema that is one function. Of its faults the first twenty are reported: zod itself breaks at a hundred thousand. */
function checkedSchema<Value>(
  jsonSchema: Record<string, unknown>,
  check: (value: unknown, fault: Fault) => void,
): z.ZodType<Value, Value> {
  const schema = z
    .any()
    .superRefine((value: unknown, context) => {
      let faults = 0
      const refuse: Fault = (path, message) => {
        faults += 1
        if (faults <= FAULTS_MAX) context.addIssue({ code: 'custom', path, message })
      }
      if (value === undefined) refuse([], 'is required')
      else check(value, refuse)
    })
    .meta(jsonSchema)
  return schema as z.ZodType<Value, Value>
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
