import { importanceSchema, jobParamsSchema, readImportanceQuerySchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ExplainJob } from '../../../use-cases/explain-job.ts'
import { problemResponses } from '../problem-responses.ts'

const REPEATS_DEFAULT = 5

const schema = {
  tags: ['Jobs'],
  summary: 'Ask which columns the model needs',
  description:
    'Permutation importance: by how much accuracy (of a regression r²) falls when the values of one column are dealt to other rows, with its spread over several shuffles. At most 2,000 rows, drawn by the seed of the job, as are the shuffles. Columns that say the same hide each other.',
  params: jobParamsSchema,
  querystring: readImportanceQuerySchema,
  response: { 200: importanceSchema, ...problemResponses },
}

export function addReadImportance(
  app: App,
  { explainJob }: { explainJob: Pick<ExplainJob, 'importance'> },
): void {
  app.get('/v1/jobs/:id/importance', { schema }, ({ principal, params, query }) =>
    explainJob.importance(principal.projectId, params.id, {
      which: query.which ?? 'best',
      repeats: query.repeats ?? REPEATS_DEFAULT,
    }),
  )
}
