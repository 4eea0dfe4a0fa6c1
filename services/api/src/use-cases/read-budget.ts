import type { Dataset } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'

/** Cells of a data set that one request may read and prepare as for training. */
const CELLS_MAX = 4_000_000

/** Throws `budget_exceeded` for a data set that is too large to be prepared while a caller waits. */
export function assertReadable({ rows, columns }: Dataset): void {
  const cells = rows * columns.length
  if (cells <= CELLS_MAX) return
  const detail = `has ${cells} cells; what is computed at once reads at most ${CELLS_MAX}`
  throw budgetExceeded({ pointer: '#/dataset_id' }, detail)
}

type Place = { pointer: string } | { parameter: string }

export function budgetExceeded(place: Place, detail: string): DomainError {
  return new DomainError('budget_exceeded', { detail, errors: [{ ...place, detail }] })
}
