import { PROBLEMS, type ProblemCode } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../app.ts'

const schema = {
  tags: ['Problems'],
  summary: 'What the type of a problem document means',
  params: z.object({ code: z.string() }),
  response: {
    200: z.object({
      code: z.string(),
      status: z.int(),
      title: z.string(),
      /** May the same request succeed later, unchanged? */
      retryable: z.boolean(),
      remedy: z.string(),
    }),
  },
}

/** The page that the `type` of every problem document points to. */
export function addProblems(app: App): void {
  app.get('/problems/:code', { schema }, async ({ params: { code } }) => {
    if (!Object.hasOwn(PROBLEMS, code)) throw new DomainError('not_found')
    return { code, ...PROBLEMS[code as ProblemCode] }
  })
}
