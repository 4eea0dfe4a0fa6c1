import { z } from 'zod'

const errorSchema = z.object({ error: z.string() })

/** What any route of the protocol may answer. */
export const protocolErrors = {
  '4xx': errorSchema.describe('What is wrong with the request'),
  '5xx': errorSchema.describe('It went wrong here'),
}
