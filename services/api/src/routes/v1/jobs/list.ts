import { jobSchema, listJobsQuerySchema, listSchema } from '@trainyard/contracts'
import type { JobStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'List jobs, newest first',
  querystring: listJobsQuerySchema,
  response: { 200: listSchema(jobSchema), ...problemResponses },
}

export function addListJobs(app: App, { jobs }: { jobs: Pick<JobStore, 'list'> }): void {
  app.get('/v1/jobs', { schema }, ({ principal, query }) => jobs.list(principal.projectId, query))
}
