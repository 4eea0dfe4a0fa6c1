import { modelAliasParamsSchema } from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { isAlias, isName } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Delete an alias; the version stays',
  params: modelAliasParamsSchema,
  response: { 204: z.undefined().describe('Deleted'), ...problemResponses },
}

export function addDeleteAlias(
  app: App,
  { models }: { models: Pick<ModelStore, 'deleteAlias'> },
): void {
  app.delete('/v1/models/:name/aliases/:alias', { schema }, async (request, reply) => {
    const { name, alias } = request.params
    const { projectId } = request.principal
    const isDeleted =
      isName(name) && isAlias(alias) && (await models.deleteAlias(projectId, name, alias))
    if (!isDeleted) throw new DomainError('alias_not_found')
    return await reply.code(204).send()
  })
}
