/** A data set of its own for validation or test: whether its rows can be looked at with what was fitted on the training set. */
import type { Column, FieldError, ResolvedConfig, Task } from '@trainyard/contracts'
import type { DatasetFacts } from './resolve-config.ts'

/** A wide table may lack every column; nobody reads more faults. */
const FAULTS_MAX = 20
/** Roles that training reads. */
const USED_ROLES: readonly Column['role'][] = ['feature', 'target', 'weight']

export interface HeldOutSet extends DatasetFacts {
  part: 'validation' | 'test'
  id: string
}

/** Pushes a fault for each column that training uses and the set lacks or has differently. */
export function resolveHeldOutSet(
  training: DatasetFacts,
  set: HeldOutSet,
  { task, preprocessing }: Pick<ResolvedConfig, 'task' | 'preprocessing'>,
  errors: FieldError[],
): { dataset_id: string; rows: number } {
  const used = training.columns.filter(({ role }) => USED_ROLES.includes(role))
  const refusesUnseen = preprocessing.unseen_category === 'error' && !losesRows(set, preprocessing)
  const details = used.flatMap(
    (column) =>
      findFault(column, training, set, task) ??
      (refusesUnseen ? findUnseenLevels(column, set) : null) ??
      [],
  )
  for (const detail of details.slice(0, FAULTS_MAX))
    errors.push({ pointer: `#/${set.part}/dataset_id`, detail })
  return { dataset_id: set.id, rows: set.rows }
}

/** Where rows that lack a value are left out, nobody knows whether the levels in them are. */
function losesRows({ columns }: HeldOutSet, { missing }: ResolvedConfig['preprocessing']): boolean {
  return missing === 'drop_row' && columns.some((column) => column.missing > 0)
}

/** Under the policy "error" the job would fail at the first row with such a level. */
function findUnseenLevels({ name, type, role, levels }: Column, set: HeldOutSet): string | null {
  if (role !== 'feature' || type !== 'category' || levels === null) return null
  const there = set.columns.find((column) => column.name === name)?.levels ?? []
  const known = new Set(levels)
  const unseen = there.filter((level) => !known.has(level))
  if (unseen.length === 0) return null
  return `"${name}" has levels in the ${set.part} data set that the training set lacks, such as "${unseen[0]}", and unseen_category is "error"`
}

function findFault(
  { name, type, role, levels }: Column,
  training: DatasetFacts,
  set: HeldOutSet,
  task: Task,
): string | null {
  const there = set.columns.find((column) => column.name === name)
  if (there === undefined) return `the ${set.part} data set has no column "${name}"`
  if (there.role === 'ignored') return `the ${set.part} data set ignores its column "${name}"`
  if (name === training.target && set.target !== name) {
    return `the ${set.part} data set has the target "${set.target}"; it must be "${name}"`
  }
  if (role === 'target' && task === 'classification') {
    // Classes are compared by their names, whatever the type they were read as.
    const unknown = (there.levels ?? []).filter((level) => !levels?.includes(level))
    if (there.levels !== null && unknown.length === 0) return null
    const named = unknown.length === 0 ? '' : `, such as "${unknown[0]}"`
    return `"${name}" of the ${set.part} data set has values that are no class of the training set${named}`
  }
  // Zeros and ones alone may have been read as truth values.
  const isCompatible = there.type === type || (type === 'number' && there.type === 'boolean')
  if (isCompatible) return null
  return `"${name}" is ${there.type} in the ${set.part} data set and ${type} in the training set`
}
