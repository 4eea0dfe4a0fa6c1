import { modelVersionParamsSchema, modelVersionSchema } from '@trainyard/contracts'
import type { ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { findModelVersion, toVersionChoice } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Read one version of a model',
  description: 'By its number, by an alias, or the newest by "latest".',
  params: modelVersionParamsSchema,
  response: { 200: modelVersionSchema, ...problemResponses },
}

export function addReadModelVersion(
  app: App,
  { models }: { models: Pick<ModelStore, 'findVersion'> },
): void {
  app.get('/v1/models/:name/versions/:version', { schema }, ({ principal, params }) =>
    findModelVersion(models, principal.projectId, params.name, toVersionChoice(params.version)),
  )
}
