import {
  listEventsQuerySchema,
  listSchema,
  modelEventSchema,
  modelParamsSchema,
} from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { findModel } from '../../../use-cases/find-model.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'What happened to a model, oldest first',
  params: modelParamsSchema,
  querystring: listEventsQuerySchema.extend({
    after: listEventsQuerySchema.shape.after.describe('A `seq`: events after it'),
  }),
  response: { 200: listSchema(modelEventSchema), ...problemResponses },
}

export function addReadModelEvents(
  app: App,
  { models }: { models: Pick<ModelStore, 'find' | 'events'> },
): void {
  app.get('/v1/models/:name/events', { schema }, async ({ principal, params, query }) => {
    const model = await findModel(models, principal.projectId, params.name)
    const { after = '0', limit } = query
    if (!/^\d{1,9}$/.test(after)) {
      throw new DomainError('invalid_cursor', { detail: 'The cursor is the seq of an event.' })
    }
    const events = await models.events(model.id, Number(after), limit + 1)
    const data = events.slice(0, limit)
    return {
      object: 'list' as const,
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: events.length > limit,
    }
  })
}
