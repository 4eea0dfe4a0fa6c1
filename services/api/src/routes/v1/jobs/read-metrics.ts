import { jobParamsSchema, metricsListSchema, readMetricsQuerySchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { type ReadHistory, toMetricsCsv, toMetricsList } from '../../../use-cases/read-metrics.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Read the history of a job by epoch',
  description:
    'A history longer than max_points is thinned: the first, the last and the best epoch stay, and the extremes of each stretch.',
  params: jobParamsSchema,
  querystring: readMetricsQuerySchema,
  response: {
    200: {
      content: {
        'application/json': { schema: metricsListSchema },
        'text/csv': { schema: z.string() },
      },
    },
    ...problemResponses,
  },
}

export function addReadMetrics(app: App, { readHistory }: { readHistory: ReadHistory }): void {
  app.get('/v1/jobs/:id/metrics', { schema }, async (request, reply) => {
    const { format, max_points } = request.query
    const history = await readHistory(request.principal.projectId, request.params.id, max_points)
    if (format === 'json') return toMetricsList(history)
    reply.type('text/csv; charset=utf-8')
    reply.header('content-disposition', `attachment; filename="${history.job.id}-metrics.csv"`)
    return toMetricsCsv(history)
  })
}
