import type { Cell, ColumnTransform, ModelSignature, Preprocessing } from '@trainyard/contracts'

type Input = ModelSignature['inputs'][number]

/** Of the golden section: multiples of it modulo 1 fall everywhere. */
const STEP = 0.6180339887498949
const FRACTION_DIGITS = 4
const DAY_MS = 86_400_000
const SOME_DAY_MS = Date.UTC(2024, 1, 29)

/**
 * Records that a model answers, the same for the same model and of no real row: first the usual values, then values over
 * the whole range and all levels, and last, of two or more, everything missing that may be.
 */
export function makeExampleRecords(
  signature: ModelSignature,
  { columns }: Preprocessing,
  count: number,
): Record<string, Cell>[] {
  const transforms = new Map(columns.map((transform) => [transform.column, transform]))
  return Array.from({ length: count }, (_, record) =>
    Object.fromEntries(
      signature.inputs.map((input, i) => [
        input.name,
        record > 0 && record === count - 1 && !input.required
          ? null
          : cellOf(input, transforms.get(input.name), record, i),
      ]),
    ),
  )
}

function cellOf(
  input: Input,
  transform: ColumnTransform | undefined,
  record: number,
  i: number,
): Cell {
  const share = (record * STEP + i * STEP * STEP) % 1
  switch (input.type) {
    case 'number':
      return numberOf(input, transform, record, share)
    case 'boolean':
      return (record + i) % 2 === 1
    case 'date': {
      const usual = transform?.kind === 'date' ? (transform.missing ?? SOME_DAY_MS) : SOME_DAY_MS
      const day = Math.floor(usual / DAY_MS) * DAY_MS + record * 37 * DAY_MS
      return new Date(day).toISOString().slice(0, 10)
    }
    case 'category':
      return levelOf(input, transform, record + i)
  }
}

function numberOf(
  { min, max }: Input,
  transform: ColumnTransform | undefined,
  record: number,
  share: number,
): number {
  if (record > 0 && min !== null && max !== null) return shorten(min + (max - min) * share)
  if (transform?.kind !== 'numeric') return 0
  const { missing, center, scale, log1p } = transform
  const usual = missing ?? (log1p ? Math.expm1(center) : center)
  if (record === 0) return shorten(usual)
  // Of a logarithm nothing below zero is sure to be defined.
  return shorten(log1p ? usual * 2 * share : usual + scale * (3 * share - 1.5))
}

function levelOf(input: Input, transform: ColumnTransform | undefined, index: number): Cell {
  const levels = input.levels ?? []
  const untrained = transform?.kind === 'one_hot' ? transform.untrained : []
  const trained = levels.filter((level) => !untrained.includes(level))
  return trained[index % Math.max(1, trained.length)] ?? null
}

function shorten(value: number): number {
  return Number(value.toFixed(FRACTION_DIGITS))
}
