/**
 * How a value becomes inputs: the only code that does it, for training from columns and for prediction from records.
 * Both hand over a number, NaN or a level's index; what that turns into is decided here alone.
 */
import type { ColumnTransform, Preprocessing } from '@trainyard/contracts'
import { cyclesOf, DATE_INPUTS, yearOf } from './dates.ts'

export type NumericTransform = Extract<ColumnTransform, { kind: 'numeric' }>
export type OneHotTransform = Extract<ColumnTransform, { kind: 'one_hot' }>

export type DateTransform = Extract<ColumnTransform, { kind: 'date' }>

export const MISSING_LEVEL = -1
export const UNSEEN_LEVEL = -2

/** Inputs of the network that the fitted columns make together. */
export function encodedWidth({ columns }: Preprocessing): number {
  return columns.reduce((width, transform) => width + transformWidth(transform), 0)
}

export function transformWidth(transform: ColumnTransform): number {
  switch (transform.kind) {
    case 'numeric':
      return 1
    case 'one_hot':
      return transform.levels.length
    case 'date':
      return DATE_INPUTS
  }
}

/** The input of a value, NaN being missing; a text says why there is none. */
export function encodeNumber(transform: NumericTransform, value: number): number | string {
  const present = Number.isNaN(value) ? transform.missing : value
  if (present === null) return 'the value is missing'
  const input = Math.fround((present - transform.center) / transform.scale)
  return Number.isFinite(input) ? input : `${value} is too large for a 32-bit input`
}

/** Writes the inputs of a date in milliseconds, NaN being missing, from `offset` on; a text says why there are none. */
export function encodeDate(
  transform: DateTransform,
  ms: number,
  inputs: Float32Array,
  offset: number,
): string | null {
  if (Number.isNaN(ms) && transform.missing_error) return 'the value is missing'
  const present = Number.isNaN(ms) ? transform.missing : ms
  if (present === null) return null
  inputs[offset] = (yearOf(present) - transform.center) / transform.scale
  inputs.set(cyclesOf(present), offset + 1)
  return null
}

/** The index of the input that is 1, or −1 when all are 0; a text says why there is none. */
export function encodeLevel(transform: OneHotTransform, level: number): number | string {
  if (level >= 0) return level
  if (level === UNSEEN_LEVEL) {
    return transform.unseen === 'zero' ? -1 : 'the category was not in the training data'
  }
  if (transform.missing_error) return 'the value is missing'
  return transform.missing === null ? -1 : transform.levels.indexOf(transform.missing)
}
