import type { JsonValue } from '@trainyard/sweeps'

const LETTERS_MAX = 18

/** A swept value in a few letters: layers by their units, `64-32`, objects by their type. */
export function toValueLabel(value: JsonValue | undefined): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(3)))
  if (typeof value === 'string') return cut(value)
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    return cut(value.map((one) => fieldOf(one, 'units') ?? toValueLabel(one)).join('-'))
  }
  return fieldOf(value, 'type') ?? cut(JSON.stringify(value) ?? '')
}

function fieldOf(value: JsonValue | undefined, field: 'units' | 'type'): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const found = value[field]
  return typeof found === 'number' || typeof found === 'string' ? cut(String(found)) : null
}

function cut(text: string): string {
  return text.length > LETTERS_MAX ? `${text.slice(0, LETTERS_MAX - 1)}…`.toWellFormed() : text
}
