import { jobParamsSchema, layersListSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadLayers } from '../../../use-cases/read-layers.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Read statistics of every layer by epoch',
  description:
    'At most 200 epochs, evenly spread, and histograms of at most 20 of them; the initial state (epoch 0) and the first epoch stay, and so does the last when all epochs are trained. Each epoch is observed in its last full batches, before their updates.',
  params: jobParamsSchema,
  response: { 200: layersListSchema, ...problemResponses },
}

export function addReadLayers(app: App, { readLayers }: { readLayers: ReadLayers }): void {
  app.get('/v1/jobs/:id/layers', { schema }, async ({ principal, params }) => ({
    object: 'list' as const,
    data: await readLayers(principal.projectId, params.id),
    has_more: false as const,
  }))
}
