import type { ColumnTransform, Preprocessing } from '@trainyard/contracts'
import { transformWidth } from '@trainyard/datasets'

/** Which inputs of the network a column of the data set became: from `offset` on, as wide as its transform. */
export interface ColumnInputs {
  column: string
  transform: ColumnTransform
  offset: number
  width: number
}

export function columnInputs({ columns }: Preprocessing): ColumnInputs[] {
  let offset = 0
  return columns.map((transform) => {
    const width = transformWidth(transform)
    offset += width
    return { column: transform.column, transform, offset: offset - width, width }
  })
}

/** What each input of a column stands for: the value, a level, a part of a date, or that the value is missing. */
export function inputNames(transform: ColumnTransform): string[] {
  const names = valueNames(transform)
  return transform.indicator ? [...names, 'missing'] : names
}

function valueNames(transform: ColumnTransform): string[] {
  switch (transform.kind) {
    case 'numeric':
      return [transform.log1p ? 'ln(1 + value)' : 'value']
    case 'ordinal':
      return ['index of level']
    case 'one_hot':
      return transform.other ? [...transform.levels, 'any other level'] : [...transform.levels]
    case 'date':
      return [
        'year',
        ...['month', 'weekday', 'hour'].flatMap((part) => [`sine of ${part}`, `cosine of ${part}`]),
      ]
  }
}
