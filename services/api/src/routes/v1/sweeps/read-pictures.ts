import { curvesQuerySchema, sweepParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { renderHistory, renderImportance, renderParallel } from '../../../render/sweep-pictures.ts'
import type { ExplainSweep } from '../../../use-cases/explain-sweep.ts'
import { problemResponses } from '../problem-responses.ts'

const SUMMARIES = {
  history: 'The objective of the trials in the order of finishing as a picture',
  parallel: 'Parameters and objective of the trials as a picture of parallel axes',
  importance: 'Which hyperparameters mattered as a picture',
} as const

export function addReadPictures(app: App, { explainSweep }: { explainSweep: ExplainSweep }): void {
  for (const picture of ['history', 'parallel', 'importance'] as const) {
    const schema = {
      tags: ['Sweeps'],
      summary: SUMMARIES[picture],
      params: sweepParamsSchema,
      querystring: curvesQuerySchema,
      response: {
        200: { content: { 'image/svg+xml': { schema: z.string() } } },
        ...problemResponses,
      },
    }
    app.get(`/v1/sweeps/:id/${picture}.svg`, { schema }, async (request, reply) => {
      const { principal, params, query } = request
      const results = await explainSweep.results(principal.projectId, params.id)
      reply.type('image/svg+xml; charset=utf-8').header('cache-control', 'no-cache')
      switch (picture) {
        case 'history':
          return renderHistory(results, query.theme)
        case 'parallel':
          return renderParallel(results, query.theme)
        case 'importance':
          return renderImportance(
            results,
            await explainSweep.importance(principal.projectId, params.id),
            query.theme,
          )
      }
    })
  }
}
