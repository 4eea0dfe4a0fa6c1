/** What the data set is known not to have and the specification needs: found before a job is spent on it. */
import type { Column, FieldError, ResolvedConfig } from '@trainyard/contracts'
import { escapePointer } from './escape-pointer.ts'
import type { ResolveContext } from './resolve-config.ts'

/** A wide table may lack values everywhere; nobody reads more faults. */
const FAULTS_MAX = 20

export function findDataFaults(
  { dataset, validationSet, testSet }: ResolveContext,
  preprocessing: ResolvedConfig['preprocessing'],
): FieldError[] {
  const faults = [
    ...findMissing(dataset.columns, preprocessing),
    ...findBadWeights(dataset.columns, '#/dataset_id'),
  ]
  for (const set of [validationSet, testSet]) {
    if (set === null) continue
    const pointer = `#/${set.part}/dataset_id`
    // Its own roles say nothing: what training uses is looked at.
    const roles = new Map(dataset.columns.map(({ name, role }) => [name, role]))
    const columns = set.columns.map((column): Column => {
      return { ...column, role: roles.get(column.name) ?? 'ignored' }
    })
    const lacking = findMissing(columns, preprocessing).map(({ detail }) => ({ detail, pointer }))
    faults.push(...lacking, ...findBadWeights(columns, pointer))
  }
  return faults.slice(0, FAULTS_MAX)
}

/** Under "error" a job would fail at the first cell without a value; "drop_row" leaves its row out before. */
function findMissing(
  columns: readonly Column[],
  { missing, columns: own }: ResolvedConfig['preprocessing'],
): FieldError[] {
  if (missing === 'drop_row') return []
  return columns.filter(isFeature).flatMap(({ name, missing: cells }) => {
    const rule = Object.hasOwn(own, name) ? own[name]?.missing : undefined
    if (cells === 0 || (rule ?? missing) !== 'error') return []
    const pointer =
      rule === undefined
        ? '#/preprocessing/missing'
        : `#/preprocessing/columns/${escapePointer(name)}/missing`
    const detail = `"${name}" lacks ${count(cells)}, and "error" takes none; fill them in, ignore the column or let them be replaced, by "mean" for example`
    return [{ detail, pointer }]
  })
}

/** A weight says how much its row counts: each row needs one, and none is negative. */
function findBadWeights(columns: readonly Column[], pointer: string): FieldError[] {
  return columns
    .filter(({ role }) => role === 'weight')
    .flatMap(({ name, missing, min }) => [
      ...(missing > 0 ? [`the weight "${name}" lacks ${count(missing)}`] : []),
      ...(min !== null && min < 0 ? [`the weight "${name}" goes down to ${min}`] : []),
    ])
    .map((fault) => ({ pointer, detail: `${fault}; every row needs one of at least 0` }))
}

function count(cells: number): string {
  return cells === 1 ? '1 value' : `${cells} values`
}

function isFeature({ role }: Column): boolean {
  return role === 'feature'
}
