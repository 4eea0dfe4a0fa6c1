import {
  cloneJobBodySchema,
  emptyQuerySchema,
  jobParamsSchema,
  jobSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { CloneJob } from '../../../use-cases/derive-job.ts'
import { sendJobCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Submit a job again with changes',
  description:
    'The body is a JSON merge patch (RFC 7396) of config, application/json; what comes out is checked like any specification. The seed that was drawn stays unless the patch names another, or null for a new one.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: cloneJobBodySchema,
  response: { 201: jobSchema, ...problemResponses },
}

export function addCloneJob(app: App, { cloneJob }: { cloneJob: CloneJob }): void {
  app.post(
    '/v1/jobs/:id/clone',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const { principal, params } = request
      const repeat = readIdempotency(request)
      return sendJobCreated(
        reply,
        await cloneJob(principal.projectId, params.id, request.body ?? {}, repeat),
      )
    },
  )
}
