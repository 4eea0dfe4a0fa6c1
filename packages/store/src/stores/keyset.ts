/** Lists by keyset on (created_at, id), newest first: a page costs the same however deep it lies. */
import type { List } from '@trainyard/contracts'
import { DomainError, type Page } from '@trainyard/domain'

/** Shape of a page: rows are fetched one more than asked for, to know whether there are more. */
export function toList<Row extends { id: string }, Item extends { id: string }>(
  rows: readonly Row[],
  page: Page,
  toItem: (row: Row) => Item,
): List<Item> {
  const kept = rows.slice(0, page.limit)
  // A page before a cursor is read upwards; callers see every page newest first.
  const data = (page.before === undefined ? kept : kept.toReversed()).map(toItem)
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: rows.length > page.limit,
  }
}

export function assertOneCursor(page: Page): void {
  if (page.after !== undefined && page.before !== undefined) {
    throw new DomainError('validation_error', {
      errors: [{ parameter: 'before', detail: 'give either after or before, not both' }],
    })
  }
}

export function invalidCursor(cursor: string): DomainError {
  return new DomainError('invalid_cursor', {
    detail: `There is no item "${cursor}" in this list; start again without a cursor.`,
  })
}
