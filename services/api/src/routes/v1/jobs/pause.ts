import { emptyBodySchema, emptyQuerySchema, jobParamsSchema, jobSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { PauseJob } from '../../../use-cases/pause-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Pause a job',
  description:
    'A queued job waits at once (200); a running one stops at its next batch, keeps a checkpoint and gives its slot back (202, then status paused). It may still succeed when it was at its end. Repeating it changes nothing.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: emptyBodySchema,
  response: { 200: jobSchema, 202: jobSchema, ...problemResponses },
}

export function addPauseJob(app: App, { pauseJob }: { pauseJob: PauseJob }): void {
  app.post(
    '/v1/jobs/:id/pause',
    { schema, config: { bodyOptional: true } },
    async ({ principal, params }, reply) => {
      const job = await pauseJob(principal.projectId, params.id)
      return await reply.code(job.status === 'pausing' ? 202 : 200).send(job)
    },
  )
}
