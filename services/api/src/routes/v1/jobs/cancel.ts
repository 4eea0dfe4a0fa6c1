import { cancelJobBodySchema, jobParamsSchema, jobSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { CancelJob } from '../../../use-cases/cancel-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Cancel a job',
  description:
    'A queued job is cancelled at once (200); a running one stops at its next batch (202). Repeating it changes nothing.',
  params: jobParamsSchema,
  body: cancelJobBodySchema,
  response: { 200: jobSchema, 202: jobSchema, ...problemResponses },
}

export function addCancelJob(app: App, { cancelJob }: { cancelJob: CancelJob }): void {
  app.post(
    '/v1/jobs/:id/cancel',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const job = await cancelJob(request.principal.projectId, request.params.id)
      return await reply.code(job.status === 'cancelling' ? 202 : 200).send(job)
    },
  )
}
