/** Class weights in the order of the classes, whichever way they were written. */
import type { FieldError, JobSpec, ResolvedConfig, Task } from '@trainyard/contracts'
import { escapePointer } from './escape-pointer.ts'

const POINTER = '#/training/class_weight'
/** A map may be as long as a body; nobody reads more of its faults. */
const FAULTS_MAX = 20

/** A class that a map does not name weighs 1. Pushes a fault for every label that is no class. */
export function resolveClassWeight(
  spec: JobSpec,
  task: Task,
  classes: readonly string[] | null,
  errors: FieldError[],
): ResolvedConfig['training']['class_weight'] {
  const given = spec.training?.class_weight ?? null
  if (given === null) return null
  if (task === 'regression' || classes === null) {
    errors.push({ pointer: POINTER, detail: 'a regression has no classes to weigh' })
    return null
  }
  if (given === 'balanced') return 'balanced'
  const weights = Array.isArray(given) ? given : toList(given, classes, errors)
  if (weights.length !== classes.length) {
    errors.push({
      pointer: POINTER,
      detail: `${weights.length} weights for ${classes.length} classes; give one for each of ${quoteAll(classes)}`,
    })
  }
  if (weights.every((weight) => weight === 0)) {
    errors.push({
      pointer: POINTER,
      detail: 'with every weight 0 nothing would be learned; give at least one class more',
    })
  }
  return weights
}

function toList(
  given: Readonly<Record<string, number>>,
  classes: readonly string[],
  errors: FieldError[],
): number[] {
  const unknown = Object.keys(given).filter((label) => !classes.includes(label))
  for (const label of unknown.slice(0, FAULTS_MAX)) {
    errors.push({
      pointer: `${POINTER}/${escapePointer(label)}`,
      detail: `"${label}" is no class of the target, which has ${quoteAll(classes)}`,
    })
  }
  // Own properties alone: a class may be called `constructor`.
  return classes.map((name) => (Object.hasOwn(given, name) ? (given[name] ?? 1) : 1))
}

/** Enough of them to recognize the list. */
function quoteAll(classes: readonly string[]): string {
  const shown = classes.slice(0, 10).map((name) => `"${name}"`)
  return classes.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}
