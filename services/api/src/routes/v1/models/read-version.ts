import {
  MODEL_VERSION_MAX,
  modelVersionParamsSchema,
  modelVersionSchema,
} from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { findModelVersion } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Read one version of a model',
  params: modelVersionParamsSchema,
  response: { 200: modelVersionSchema, ...problemResponses },
}

export function addReadModelVersion(
  app: App,
  { models }: { models: Pick<ModelStore, 'findVersion'> },
): void {
  app.get('/v1/models/:name/versions/:version', { schema }, ({ principal, params }) =>
    findModelVersion(models, principal.projectId, params.name, toVersion(params.version)),
  )
}

function toVersion(text: string): number {
  const version = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  if (version === 0 || version > MODEL_VERSION_MAX) throw new DomainError('model_not_found')
  return version
}
