import { emptyBodySchema, emptyQuerySchema, jobParamsSchema, jobSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ResumeJob } from '../../../use-cases/resume-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Resume a paused job',
  description:
    'The job waits for a worker, which goes on at the very batch, to the weights and metrics of a job that was never paused. A job that is queued or runs stays as it is.',
  params: jobParamsSchema,
  querystring: emptyQuerySchema,
  body: emptyBodySchema,
  response: { 200: jobSchema, ...problemResponses },
}

export function addResumeJob(app: App, { resumeJob }: { resumeJob: ResumeJob }): void {
  app.post(
    '/v1/jobs/:id/resume',
    { schema, config: { bodyOptional: true } },
    ({ principal, params }) => resumeJob(principal.projectId, params.id),
  )
}
