import { curvesQuerySchema, jobParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { CURVE_POINTS_MAX, renderCurves } from '../../../render/curves.ts'
import type { ReadHistory } from '../../../use-cases/read-metrics.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Loss and accuracy by epoch as a picture',
  params: jobParamsSchema,
  querystring: curvesQuerySchema,
  response: {
    200: { content: { 'image/svg+xml': { schema: z.string() } } },
    ...problemResponses,
  },
}

export function addReadCurves(app: App, { readHistory }: { readHistory: ReadHistory }): void {
  app.get('/v1/jobs/:id/curves.svg', { schema }, async (request, reply) => {
    const { principal, params, query } = request
    const history = await readHistory(principal.projectId, params.id, CURVE_POINTS_MAX)
    reply.type('image/svg+xml; charset=utf-8').header('cache-control', 'no-cache')
    return renderCurves(history, query.theme)
  })
}
