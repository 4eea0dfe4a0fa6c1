/**
 * How a value becomes inputs: the only code that does it, for training from columns and for prediction from records.
 * Both hand over a number, NaN or a level's index; what that turns into is decided here alone.
 */
import type { ColumnTransform, Preprocessing } from '@trainyard/contracts'
import { log } from '@trainyard/engine/random'

export type NumericTransform = Extract<ColumnTransform, { kind: 'numeric' }>
export type OneHotTransform = Extract<ColumnTransform, { kind: 'one_hot' }>
export type OrdinalTransform = Extract<ColumnTransform, { kind: 'ordinal' }>
export type LevelTransform = OneHotTransform | OrdinalTransform

export const MISSING_LEVEL = -1
export const UNSEEN_LEVEL = -2

/**
 * Writes the inputs of one value, a number (NaN is missing) or a level's index, into inputs that are zero; a text says
 * why there are none.
 */
export type InputWriter = (value: number, inputs: Float32Array, offset: number) => string | null

/** Inputs of the network that the fitted columns make together. */
export function encodedWidth({ columns }: Preprocessing): number {
  return columns.reduce((width, transform) => width + transformWidth(transform), 0)
}

export function transformWidth(transform: ColumnTransform): number {
  return valueWidth(transform) + Number(transform.indicator)
}

export function makeInputWriter(transform: ColumnTransform): InputWriter {
  const write = makeValueWriter(transform)
  if (!transform.indicator) return write
  const at = valueWidth(transform)
  return (value, inputs, offset) => {
    if (Number.isNaN(value) || value === MISSING_LEVEL) inputs[offset + at] = 1
    return write(value, inputs, offset)
  }
}

/** The index of each level by its text. */
export function levelIndices({ levels }: LevelTransform): ReadonlyMap<string, number> {
  return new Map(levels.map((level, i) => [level, i]))
}

/** ln(1 + x), exact near 0 as well: what 1 + x rounds away is made up for. https://dl.acm.org/doi/10.1145/103162.103163, theorem 4 */
export function log1p(x: number): number {
  const sum = 1 + x
  return sum === 1 ? x : (log(sum) * x) / (sum - 1)
}

function valueWidth(transform: ColumnTransform): number {
  return transform.kind === 'one_hot' ? transform.levels.length + Number(transform.other) : 1
}

function makeValueWriter(transform: ColumnTransform): InputWriter {
  switch (transform.kind) {
    case 'numeric':
      return (value, inputs, offset) => writeNumber(transform, value, inputs, offset)
    case 'one_hot':
      return makeOneHotWriter(transform)
    case 'ordinal':
      return (value, inputs, offset) => writeOrdinal(transform, value, inputs, offset)
  }
}

function writeNumber(
  { missing, log1p: isLogarithmic, center, scale }: NumericTransform,
  value: number,
  inputs: Float32Array,
  offset: number,
): string | null {
  const present = Number.isNaN(value) ? missing : value
  if (present === null) return 'the value is missing'
  if (isLogarithmic && present <= -1) return `log1p is defined above -1, not for ${present}`
  const input = Math.fround(((isLogarithmic ? log1p(present) : present) - center) / scale)
  if (!Number.isFinite(input)) return `${present} is too large for a 32-bit input`
  inputs[offset] = input
  return null
}

function makeOneHotWriter(transform: OneHotTransform): InputWriter {
  const indexOf = levelIndices(transform)
  const untrained = new Set(transform.untrained.map((level) => indexOf.get(level)))
  const standIn = transform.missing === null ? null : (indexOf.get(transform.missing) ?? null)
  return (level, inputs, offset) => {
    if (level === MISSING_LEVEL) {
      if (transform.missing_error) return 'the value is missing'
      if (standIn !== null) inputs[offset + standIn] = 1
    } else if (level >= 0 && !untrained.has(level)) inputs[offset + level] = 1
    else if (transform.unseen === 'error') return 'the category was not in the training data'
    else if (transform.unseen === 'other') inputs[offset + transform.levels.length] = 1
    return null
  }
}

function writeOrdinal(
  { missing, unseen, center, scale }: OrdinalTransform,
  level: number,
  inputs: Float32Array,
  offset: number,
): string | null {
  if (level === UNSEEN_LEVEL && unseen === 'error') {
    return 'the category was not in the training data'
  }
  const index = level >= 0 ? level : missing
  if (index === null) return 'the value is missing'
  inputs[offset] = (index - center) / scale
  return null
}
