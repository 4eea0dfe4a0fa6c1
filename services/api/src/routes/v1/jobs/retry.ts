import { emptyBodySchema, emptyQuerySchema, jobParamsSchema, jobSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { RepeatJob } from '../../../use-cases/derive-job.ts'
import { sendJobCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Train a job again that failed or was cancelled',
  description:
    'A new job with the same resolved specification and seed. It begins at the beginning; fork goes on from a checkpoint.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: emptyBodySchema,
  response: { 201: jobSchema, ...problemResponses },
}

export function addRetryJob(app: App, { retryJob }: { retryJob: RepeatJob }): void {
  app.post(
    '/v1/jobs/:id/retry',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const { principal, params } = request
      const repeat = readIdempotency(request)
      return sendJobCreated(reply, await retryJob(principal.projectId, params.id, repeat))
    },
  )
}
