import {
  aliasSchema,
  modelAliasParamsSchema,
  modelAliasSchema,
  moveAliasBodySchema,
} from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { isName } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Make an alias name a version',
  description:
    'New, or moved from another version in one step: who reads by the alias meanwhile gets either the one or the other. "champion" is taken where a caller names no version.',
  params: modelAliasParamsSchema,
  body: moveAliasBodySchema,
  response: { 200: modelAliasSchema, ...problemResponses },
}

export function addMoveAlias(
  app: App,
  { models }: { models: Pick<ModelStore, 'moveAlias'> },
): void {
  app.put(
    '/v1/models/:name/aliases/:alias',
    { schema },
    async ({ principal, params: { name, alias }, body: { version } }) => {
      const parsed = aliasSchema.safeParse(alias)
      if (!parsed.success) {
        const detail = parsed.error.issues[0]?.message ?? 'is no alias'
        throw new DomainError('validation_error', { errors: [{ parameter: 'alias', detail }] })
      }
      const moved = isName(name)
        ? await models.moveAlias(principal.projectId, name, parsed.data, version)
        : null
      if (moved === null) throw new DomainError('model_not_found')
      return moved
    },
  )
}
