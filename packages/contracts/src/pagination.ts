/** Cursor lists, keyset on (created_at, id): the next page is `after=<last_id>`, the page before is `before=<first_id>`. */
import { z } from 'zod'

export const LIST_LIMIT_DEFAULT = 20
export const LIST_LIMIT_MAX = 100

export const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  after: z.string().optional(),
  before: z.string().optional(),
})
export type ListQuery = z.infer<typeof listQuerySchema>

export function listSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
}

export interface List<Item> {
  object: 'list'
  data: Item[]
  first_id: string | null
  last_id: string | null
  has_more: boolean
}
