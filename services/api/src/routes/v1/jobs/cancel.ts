import {
  cancelJobBodySchema,
  emptyQuerySchema,
  jobParamsSchema,
  jobSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { CancelJob } from '../../../use-cases/cancel-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Cancel a job',
  description:
    'A queued or paused job is cancelled at once (200); a running one stops at its next batch and keeps its weights (202). With {"mode":"force"} any job is cancelled at once (200): its thread is torn down, and only its checkpoints stay. A job that was answered 202 ends as cancelled, even if its training is done by then. Repeating it changes nothing.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: cancelJobBodySchema,
  response: { 200: jobSchema, 202: jobSchema, ...problemResponses },
}

export function addCancelJob(app: App, { cancelJob }: { cancelJob: CancelJob }): void {
  app.post(
    '/v1/jobs/:id/cancel',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const mode = request.body?.mode ?? 'graceful'
      const job = await cancelJob(request.principal.projectId, request.params.id, mode)
      return await reply.code(job.status === 'cancelling' ? 202 : 200).send(job)
    },
  )
}
