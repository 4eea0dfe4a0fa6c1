/** Oversampling: rows of small classes are repeated, among the training rows alone, until all classes are as large. */
import type { FieldError, JobSpec, StoredProfile, Task } from '@trainyard/contracts'

/** By how much the share of a class among the rows examined may be off: seven standard errors of 32,768 rows. */
const SHARE_MARGIN = 0.02

export function resolveOversample(spec: JobSpec, task: Task, errors: FieldError[]): boolean {
  const { oversample = false, class_weight, batch_size } = spec.training ?? {}
  if (!oversample) return false
  const pointer = '#/training/oversample'
  if (task === 'regression') {
    errors.push({ pointer, detail: 'a regression has no classes to be made equally large' })
  }
  if (class_weight != null) {
    const detail = 'does what class_weight does; together small classes would count twice'
    errors.push({ pointer, detail })
  }
  if (batch_size === 'full') {
    const detail = 'how many rows oversampling makes shows when they are drawn; give a number'
    errors.push({ pointer: '#/training/batch_size', detail })
  }
  return true
}

/** Rows of the largest class, or at least as many: a large table's classes are known by a part of its rows. */
export function largestClassRows(rows: number, profile: StoredProfile | null): number {
  const counts = profile?.classes?.map(({ count }) => count) ?? []
  if (profile === null || counts.length === 0) return rows
  const largest = Math.max(...counts)
  if (profile.rows_examined >= rows) return largest
  return Math.min(rows, Math.ceil(rows * (largest / profile.rows_examined + SHARE_MARGIN)))
}
