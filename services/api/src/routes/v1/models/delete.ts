import {
  deleteModelQuerySchema,
  modelParamsSchema,
  modelVersionParamsSchema,
} from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { isName, toVersionNumber } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const shared = {
  tags: ['Models'],
  querystring: deleteModelQuerySchema,
  response: { 204: z.undefined().describe('Deleted'), ...problemResponses },
}

const modelSchema = {
  ...shared,
  summary: 'Delete a model with its versions and aliases',
  description:
    'It is not found from then on. Registered again under its name, versions count on; after `purge` they begin at 1.',
  params: modelParamsSchema,
}
const versionSchema = {
  ...shared,
  summary: 'Delete one version of a model',
  description: 'No alias may name it. The last version takes the model with it.',
  params: modelVersionParamsSchema,
}

export function addDeleteModel(app: App, { models }: { models: Pick<ModelStore, 'delete'> }): void {
  app.delete('/v1/models/:name', { schema: modelSchema }, async (request, reply) => {
    const { principal, params, query } = request
    const options = { version: null, purge: query.purge ?? false }
    const isDeleted =
      isName(params.name) && (await models.delete(principal.projectId, params.name, options))
    if (!isDeleted) throw new DomainError('model_not_found')
    return await reply.code(204).send()
  })
  app.delete(
    '/v1/models/:name/versions/:version',
    { schema: versionSchema },
    async (request, reply) => {
      const { principal, params, query } = request
      const options = { version: toVersionNumber(params.version), purge: query.purge ?? false }
      const isDeleted =
        isName(params.name) && (await models.delete(principal.projectId, params.name, options))
      if (!isDeleted) throw new DomainError('model_not_found')
      return await reply.code(204).send()
    },
  )
}
