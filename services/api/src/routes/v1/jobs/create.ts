import {
  createJobQuerySchema,
  jobQuoteSchema,
  jobSchema,
  jobSpecSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { CreateJob } from '../../../use-cases/create-job.ts'
import type { QuoteJob } from '../../../use-cases/quote-job.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Submit a training job, or only quote it',
  description:
    'With an Idempotency-Key the same request may be sent again for 24 hours and is carried out once. dry_run=true resolves, counts and quotes the job and stores nothing.',
  querystring: createJobQuerySchema,
  body: jobSpecSchema,
  response: { 200: jobQuoteSchema, 201: jobSchema, ...problemResponses },
}

export function addCreateJob(
  app: App,
  { createJob, quoteJob }: { createJob: CreateJob; quoteJob: QuoteJob },
): void {
  app.post('/v1/jobs', { schema }, async (request, reply) => {
    const { projectId } = request.principal
    const repeat = readIdempotency(request)
    if (request.query.dry_run) return await quoteJob(projectId, request.body)
    return sendCreated(reply, await createJob(projectId, request.body, repeat), ({ id }) => id)
  })
}
