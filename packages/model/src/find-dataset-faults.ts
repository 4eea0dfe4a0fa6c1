import type { Column, ColumnTransform } from '@trainyard/contracts'
import { encodedInputs, isRequired, typeOf } from './describe-signature.ts'
import type { StoredNetwork } from './ensemble.ts'

const FAULTS_MAX = 20
const LEVELS_SHOWN = 3

/**
 * Why a data set cannot be predicted as a whole, as far as its description tells: columns that are not there or are something
 * else, missing cells and levels that a network refuses. What numbers do (too large, outside of a logarithm) is seen row by row.
 */
export function findDatasetFaults(
  networks: readonly StoredNetwork[],
  columns: readonly Column[],
  rows: number,
): string[] {
  const byName = new Map(columns.map((column) => [column.name, column]))
  const faults = new Set<string>()
  for (const { architecture, preprocessing } of networks) {
    for (const transform of (preprocessing ?? encodedInputs(architecture)).columns) {
      const reason = findFault(transform, byName.get(transform.column), rows)
      if (reason !== null) faults.add(`column ${JSON.stringify(transform.column)}: ${reason}`)
      if (faults.size >= FAULTS_MAX) return [...faults]
    }
  }
  return [...faults]
}

function findFault(
  transform: ColumnTransform,
  column: Column | undefined,
  rows: number,
): string | null {
  if (column === undefined) return 'the model takes it and the data set lacks it'
  const wanted = typeOf(transform)
  if (column.type !== wanted)
    return `is a ${column.type} in the data set, the model takes a ${wanted}`
  if (column.missing > 0 && isRequired(transform)) {
    return `${column.missing} of ${rows} cells are missing, which the model refuses`
  }
  if (transform.kind !== 'one_hot' && transform.kind !== 'ordinal') return null
  if (column.levels === null) {
    return column.missing === rows ? null : 'has too many distinct texts to be a category'
  }
  if (transform.unseen !== 'error') return null
  const untrained = new Set(transform.kind === 'one_hot' ? transform.untrained : [])
  const known = new Set(transform.levels.filter((level) => !untrained.has(level)))
  const unseen = column.levels.filter((level) => !known.has(level))
  if (unseen.length === 0) return null
  const shown = unseen.slice(0, LEVELS_SHOWN).map((level) => JSON.stringify(level))
  const more = unseen.length > LEVELS_SHOWN ? ` and ${unseen.length - LEVELS_SHOWN} more` : ''
  return `the model refuses what it was not trained on: ${shown.join(', ')}${more}`
}
