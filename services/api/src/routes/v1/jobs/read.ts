import { jobParamsSchema, jobSchema, readJobQuerySchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadJob } from '../../../use-cases/read-job.ts'
import { closed } from '../closed.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Read a job, or wait for its next change',
  description:
    'wait=N answers at once when the job has ended, else on its next change of status, epoch or attempt, at the latest after N seconds.',
  params: jobParamsSchema,
  querystring: readJobQuerySchema,
  response: { 200: jobSchema, ...problemResponses },
}

export function addReadJob(
  app: App,
  { readJob, draining }: { readJob: ReadJob; draining: AbortSignal },
): void {
  app.get('/v1/jobs/:id', { schema }, (request, reply) =>
    readJob(request.principal.projectId, request.params.id, {
      waitSeconds: request.query.wait ?? 0,
      signal: AbortSignal.any([draining, closed(reply.raw)]),
    }),
  )
}
