import type { ColumnTransform } from '@trainyard/contracts'
import { concat, type GraphBuilder, toFloat, type Value } from './graph-builder.ts'

type DateColumn = Extract<ColumnTransform, { kind: 'date' }>

/**
 * Seven inputs of milliseconds since 1970: year, month and weekday by the proleptic Gregorian calendar
 * (https://howardhinnant.github.io/date_algorithms.html#civil_from_days), all in doubles, which hold them exactly.
 */
export function encodeDate(graph: GraphBuilder, column: DateColumn, input: Value): Value {
  const { missing, missing_error, center, scale } = column
  const num = (value: number) => graph.constant({ type: 'double', shape: [], data: [value] })
  const add = (a: Value, b: number) => graph.node('Add', [a, num(b)])
  const mul = (a: Value, b: number) => graph.node('Mul', [a, num(b)])
  const sub = (a: Value, b: Value) => graph.node('Sub', [a, b])
  const plus = (a: Value, b: Value) => graph.node('Add', [a, b])
  const floorDiv = (a: Value, b: number) => graph.node('Floor', [graph.node('Div', [a, num(b)])])

  const isMissing = graph.node('IsNaN', [input])
  const ms = graph.node('Where', [isMissing, num(missing ?? 0), input])
  const day = floorDiv(ms, 86_400_000)
  const timeOfDay = graph.node('Div', [sub(ms, mul(day, 86_400_000)), num(86_400_000)])
  const shifted = add(day, 719_468)
  const era = floorDiv(shifted, 146_097)
  const dayOfEra = sub(shifted, mul(era, 146_097))
  const leaps = plus(
    sub(floorDiv(dayOfEra, 36_524), floorDiv(dayOfEra, 1460)),
    mul(floorDiv(dayOfEra, 146_096), -1),
  )
  const yearOfEra = floorDiv(plus(dayOfEra, leaps), 365)
  const daysBefore = plus(
    sub(mul(yearOfEra, 365), floorDiv(yearOfEra, 100)),
    floorDiv(yearOfEra, 4),
  )
  const dayOfYear = sub(dayOfEra, daysBefore)
  // Months counted from March.
  const march = floorDiv(add(mul(dayOfYear, 5), 2), 153)
  const month = sub(add(march, 2), mul(floorDiv(add(march, 2), 12), 12))
  const isNewYear = floorDiv(add(march, 2), 12)
  const year = plus(plus(yearOfEra, mul(era, 400)), isNewYear)
  const weekday = sub(add(day, 3), mul(floorDiv(add(day, 3), 7), 7))

  const scaledYear = graph.node('Div', [add(year, -center), num(scale)])
  const turns = [mul(month, 1 / 12), mul(weekday, 1 / 7), timeOfDay]
  // A cosine is a sine a quarter turn later.
  const cycles = turns.flatMap((turn) =>
    [0, 0.25].map((later) => graph.node('Sin', [mul(add(turn, later), 2 * Math.PI)])),
  )
  let inputs = toFloat(graph, concat(graph, [scaledYear, ...cycles]))
  if (missing_error || missing === null) {
    const instead = graph.constant({
      type: 'float',
      shape: [],
      data: [missing_error ? Number.NaN : 0],
    })
    inputs = graph.node('Where', [isMissing, instead, inputs])
  }
  return column.indicator ? concat(graph, [inputs, toFloat(graph, isMissing)]) : inputs
}
