import {
  emptyQuerySchema,
  forkJobBodySchema,
  jobParamsSchema,
  jobSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { ForkJob } from '../../../use-cases/derive-job.ts'
import { sendJobCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Go on from a checkpoint with changed settings',
  description:
    'A new job that begins with the state of the checkpoint and the history before it. Epochs, learning rate and schedule, stopping, penalties, clipping, class weights, augmentation, dropout and limits may change; what decides the meaning of the state may not (422).',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: forkJobBodySchema,
  response: { 201: jobSchema, ...problemResponses },
}

export function addForkJob(app: App, { forkJob }: { forkJob: ForkJob }): void {
  app.post(
    '/v1/jobs/:id/fork',
    { schema, config: { bodyOptional: true } },
    async (request, reply) => {
      const { principal, params } = request
      const repeat = readIdempotency(request)
      return sendJobCreated(
        reply,
        await forkJob(principal.projectId, params.id, request.body ?? {}, repeat),
      )
    },
  )
}
