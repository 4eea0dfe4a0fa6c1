/** Lists by keyset on (created_at, id), newest first: a page costs the same however deep it lies. */
import type { List } from '@trainyard/contracts'
import { DomainError, type Page } from '@trainyard/domain'
import { Prisma } from '../generated/client.ts'

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

/**
 * The end of a statement that reads one page: what follows `WHERE … `, from the cursor's condition to the limit. `at` finds
 * when the row of a cursor was made; null means that the list has no such row.
 */
export async function toPageClause(
  page: Page,
  columns: { createdAt: Prisma.Sql; id: Prisma.Sql },
  at: (cursor: string) => Promise<Date | null>,
): Promise<Prisma.Sql> {
  if (page.after !== undefined && page.before !== undefined) {
    throw new DomainError('validation_error', {
      errors: [{ parameter: 'before', detail: 'give either after or before, not both' }],
    })
  }
  const { createdAt, id } = columns
  const downwards = Prisma.sql`ORDER BY ${createdAt} DESC, ${id} DESC LIMIT ${page.limit + 1}::int`
  const cursor = page.after ?? page.before
  if (cursor === undefined) return downwards
  const cursorAt = await at(cursor)
  if (cursorAt === null) {
    throw new DomainError('invalid_cursor', {
      detail: `There is no item "${cursor}" in this list; start again without a cursor.`,
    })
  }
  return page.before === undefined
    ? Prisma.sql`AND (${createdAt}, ${id}) < (${cursorAt}, ${cursor}) ${downwards}`
    : Prisma.sql`AND (${createdAt}, ${id}) > (${cursorAt}, ${cursor})
        ORDER BY ${createdAt}, ${id} LIMIT ${page.limit + 1}::int`
}
