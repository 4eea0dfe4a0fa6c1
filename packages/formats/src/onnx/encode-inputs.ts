/**
 * The preprocessing as nodes: what `packages/datasets` does with a record, operator by operator. Numbers are doubles until
 * they are inputs, as there, so that a large centre costs no digits. A value that the server refuses (missing or unseen
 * where that is an error) becomes NaN here, and so does all that the model says of its row.
 */
import type { ColumnTransform, Preprocessing } from '@trainyard/contracts'
import { UnsupportedExportError } from '../exported-model.ts'
import { encodeDate } from './encode-date.ts'
import { concat, type GraphBuilder, ML_DOMAIN, toFloat, type Value } from './graph-builder.ts'

type Numeric = Extract<ColumnTransform, { kind: 'numeric' }>
type OneHot = Extract<ColumnTransform, { kind: 'one_hot' }>
type Ordinal = Extract<ColumnTransform, { kind: 'ordinal' }>

/** Raw values by column, each [batch, 1]; or all of them as one [batch, columns], where all are numbers. */
export type RawInputs = { named: ReadonlyMap<string, Value> } | { matrix: Value }

/** Slots of a category that are no input of the network. */
const NOWHERE = -1
const REFUSED = -2

/** Inputs of the network [batch, width], float32. */
export function encodeInputs(
  graph: GraphBuilder,
  { columns }: Preprocessing,
  raw: RawInputs,
): Value {
  const numbers = columns.filter((column) => column.kind === 'numeric')
  /** Pieces of the result in the order they are made, each with the columns' places that its inputs belong to. */
  const pieces: { value: Value; slots: number[] }[] = []
  const offsets = offsetsOf(columns)

  if (numbers.length > 0) {
    const x =
      'matrix' in raw
        ? raw.matrix
        : concat(
            graph,
            numbers.map((column) => rawOf(raw, column)),
          )
    const slots = numbers.map((column) => offsets.get(column) ?? 0)
    pieces.push({ value: scaleNumbers(graph, numbers, x), slots })
    const flagged = numbers.flatMap((column, i) => (column.indicator ? [{ column, i }] : []))
    if (flagged.length > 0) {
      const which = graph.constant({
        type: 'int64',
        shape: [flagged.length],
        data: flagged.map(({ i }) => i),
      })
      const isMissing = graph.node('IsNaN', [graph.node('Gather', [x, which], { axis: 1 })])
      pieces.push({
        value: toFloat(graph, isMissing),
        slots: flagged.map(({ column }) => (offsets.get(column) ?? 0) + 1),
      })
    }
  }
  for (const column of columns) {
    if (column.kind === 'numeric') continue
    const input = rawOf(raw, column)
    const value =
      column.kind === 'date'
        ? encodeDate(graph, column, input)
        : column.kind === 'one_hot'
          ? encodeOneHot(graph, column, input)
          : encodeOrdinal(graph, column, input)
    const offset = offsets.get(column) ?? 0
    pieces.push({ value, slots: Array.from({ length: widthOf(column) }, (_, i) => offset + i) })
  }
  return inOrder(graph, pieces)
}

/** Type of the input that stands for a column: texts, and for all else doubles, NaN for a missing one. */
export function inputTypeOf(column: ColumnTransform): 'double' | 'string' {
  return column.kind === 'one_hot' || column.kind === 'ordinal' ? 'string' : 'double'
}

/** Whether a value of the column can be refused. */
export function canRefuse(column: ColumnTransform): boolean {
  switch (column.kind) {
    case 'numeric':
      return column.missing === null || column.log1p
    case 'date':
      return column.missing_error
    case 'one_hot':
      return column.missing_error || column.unseen === 'error'
    case 'ordinal':
      return column.missing === null || column.unseen === 'error'
  }
}

function rawOf(raw: RawInputs, { column }: ColumnTransform): Value {
  const value = 'named' in raw ? raw.named.get(column) : undefined
  if (value === undefined) throw new UnsupportedExportError(`"${column}" is no number`)
  return value
}

function widthOf(column: ColumnTransform): number {
  const width =
    column.kind === 'date'
      ? 7
      : column.kind === 'one_hot'
        ? column.levels.length + Number(column.other)
        : 1
  return width + Number(column.indicator)
}

function offsetsOf(columns: readonly ColumnTransform[]): Map<ColumnTransform, number> {
  let offset = 0
  return new Map(
    columns.map((column) => {
      offset += widthOf(column)
      return [column, offset - widthOf(column)]
    }),
  )
}

/** (value − center) / scale of every column at once, [batch, columns], rounded to float32 at the end. */
function scaleNumbers(graph: GraphBuilder, columns: readonly Numeric[], x: Value): Value {
  const row = (data: number[]) => graph.constant({ type: 'double', shape: [1, data.length], data })
  const rules = columns.map(({ missing }) => missing)
  let value = x
  if (rules.some((missing) => missing !== null)) {
    const standIn = row(rules.map((missing) => missing ?? Number.NaN))
    value = graph.node('Where', [graph.node('IsNaN', [x]), standIn, x])
  }
  if (columns.some(({ log1p }) => log1p)) {
    const logarithms = logarithmOf(graph, value)
    const isLogarithmic = graph.constant({
      type: 'bool',
      shape: [1, columns.length],
      data: columns.map(({ log1p }) => Number(log1p)),
    })
    value = graph.node('Where', [isLogarithmic, logarithms, value])
  }
  if (columns.some(({ center }) => center !== 0)) {
    value = graph.node('Sub', [value, row(columns.map(({ center }) => center))])
  }
  if (columns.some(({ scale }) => scale !== 1)) {
    value = graph.node('Div', [value, row(columns.map(({ scale }) => scale))])
  }
  return toFloat(graph, value)
}

/** ln(1 + x), exact near 0: where 1 + x is 1, x itself, else ln(1 + x) · x / ((1 + x) − 1). */
function logarithmOf(graph: GraphBuilder, x: Value): Value {
  const one = graph.constant({ type: 'double', shape: [], data: [1] })
  const sum = graph.node('Add', [x, one])
  const rounded = graph.node('Sub', [sum, one])
  const product = graph.node('Mul', [graph.node('Log', [sum]), x])
  const zero = graph.constant({ type: 'double', shape: [], data: [0] })
  const isZero = graph.node('Equal', [rounded, zero])
  // Not divided by zero where the quotient is not taken.
  const divisor = graph.node('Where', [isZero, one, rounded])
  return graph.node('Where', [isZero, x, graph.node('Div', [product, divisor])])
}

/** Where each known text goes, as a slot of the network's inputs; all others go to `otherwise`. */
function slotOf(
  graph: GraphBuilder,
  text: Value,
  slots: ReadonlyMap<string, number>,
  otherwise: number,
): Value {
  return graph.node(
    'LabelEncoder',
    [text],
    {
      keys_strings: [...slots.keys()],
      values_int64s: [...slots.values()],
      default_int64: otherwise,
    },
    { domain: ML_DOMAIN },
  )
}

function encodeOneHot(graph: GraphBuilder, column: OneHot, text: Value): Value {
  const { levels, other, unseen, missing, missing_error } = column
  const width = levels.length + Number(other)
  const untrained = new Set(column.untrained)
  const unseenSlot = unseen === 'error' ? REFUSED : unseen === 'other' ? levels.length : NOWHERE
  const missingSlot = missing_error ? REFUSED : missing === null ? NOWHERE : levels.indexOf(missing)
  const slots = new Map([['', missingSlot]])
  for (const [i, level] of levels.entries()) slots.set(level, untrained.has(level) ? unseenSlot : i)
  const slot = slotOf(graph, text, slots, unseenSlot)
  const places = graph.constant({
    type: 'int64',
    shape: [1, width],
    data: Array.from({ length: width }, (_, i) => i),
  })
  const inputs = toFloat(graph, graph.node('Equal', [slot, places]))
  return withIndicator(graph, column, text, refuse(graph, column, slot, inputs))
}

function encodeOrdinal(graph: GraphBuilder, column: Ordinal, text: Value): Value {
  const { levels, missing, unseen, center, scale } = column
  // Places in a table of inputs: the levels, then what stands in, then NaN.
  const refused = levels.length + 1
  const standIn = missing === null ? refused : levels.length
  const slots = new Map([['', standIn]])
  for (const [i, level] of levels.entries()) slots.set(level, i)
  const slot = slotOf(graph, text, slots, unseen === 'error' ? refused : standIn)
  const scaled = (index: number) => (index - center) / scale
  const table = graph.constant({
    type: 'float',
    shape: [levels.length + 2],
    data: [...levels.map((_, i) => scaled(i)), scaled(missing ?? 0), Number.NaN],
  })
  return withIndicator(graph, column, text, graph.node('Gather', [table, slot]))
}

/** NaN in the rows whose slot says that the value is refused. */
function refuse(graph: GraphBuilder, column: OneHot, slot: Value, inputs: Value): Value {
  if (!canRefuse(column)) return inputs
  const refused = graph.constant({ type: 'int64', shape: [], data: [REFUSED] })
  const nan = graph.constant({ type: 'float', shape: [], data: [Number.NaN] })
  return graph.node('Where', [graph.node('Equal', [slot, refused]), nan, inputs])
}

function withIndicator(
  graph: GraphBuilder,
  { indicator, levels }: OneHot | Ordinal,
  text: Value,
  inputs: Value,
): Value {
  if (!indicator) return inputs
  // A level that is the empty text is a value, and no missing one.
  const missing = slotOf(graph, text, new Map([['', levels.includes('') ? 0 : 1]]), 0)
  return concat(graph, [inputs, toFloat(graph, missing)])
}

function inOrder(graph: GraphBuilder, pieces: readonly { value: Value; slots: number[] }[]): Value {
  const all = concat(
    graph,
    pieces.map(({ value }) => value),
  )
  const slots = pieces.flatMap((piece) => piece.slots)
  if (slots.every((slot, i) => slot === i)) return all
  const data = new Array<number>(slots.length)
  for (const [i, slot] of slots.entries()) data[slot] = i
  const order = graph.constant({ type: 'int64', shape: [slots.length], data })
  return graph.node('Gather', [all, order], { axis: 1 })
}
