import { emptyBodySchema, emptyQuerySchema, jobParamsSchema, jobSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { RepeatJob } from '../../../use-cases/derive-job.ts'
import { sendJobCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Train a job again and compare byte for byte',
  description:
    'A new job with the same resolved specification and seed. When it has succeeded, verification of the first job says whether weights and metrics are identical.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: emptyBodySchema,
  response: { 201: jobSchema, ...problemResponses },
}

export function addVerifyJob(app: App, { verifyJob }: { verifyJob: RepeatJob }): void {
  app.post(
    '/v1/jobs/:id/verify',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const { principal, params } = request
      const repeat = readIdempotency(request)
      return sendJobCreated(reply, await verifyJob(principal.projectId, params.id, repeat))
    },
  )
}
