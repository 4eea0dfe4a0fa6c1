import { modelParamsSchema, modelSchema } from '@trainyard/contracts'
import type { ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { findModel } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Read a model and its newest versions',
  params: modelParamsSchema,
  response: { 200: modelSchema, ...problemResponses },
}

export function addReadModel(app: App, { models }: { models: Pick<ModelStore, 'find'> }): void {
  app.get('/v1/models/:name', { schema }, ({ principal, params }) =>
    findModel(models, principal.projectId, params.name),
  )
}
