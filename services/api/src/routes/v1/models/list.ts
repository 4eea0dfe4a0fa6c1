import { listQuerySchema, listSchema, modelSchema } from '@trainyard/contracts'
import type { ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'List models, newest first',
  querystring: listQuerySchema,
  response: { 200: listSchema(modelSchema), ...problemResponses },
}

export function addListModels(app: App, { models }: { models: Pick<ModelStore, 'list'> }): void {
  app.get('/v1/models', { schema }, ({ principal, query }) =>
    models.list(principal.projectId, query),
  )
}
