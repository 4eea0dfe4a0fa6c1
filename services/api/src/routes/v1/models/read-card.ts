import { modelVersionParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { toVersionChoice } from '../../../use-cases/find-model.ts'
import type { ReadModelCard } from '../../../use-cases/read-weights.ts'
import { problemResponses } from '../problem-responses.ts'

const MARKDOWN = 'text/markdown'

const schema = {
  tags: ['Models'],
  summary: 'Read the model card of a version',
  description:
    'Markdown: what it tells, what was measured, inputs, network and where it comes from; the curves are a picture inside, as long as the job is there.',
  params: modelVersionParamsSchema,
  response: { 200: { content: { [MARKDOWN]: { schema: z.string() } } }, ...problemResponses },
}

export function addReadModelCard(app: App, { readCard }: { readCard: ReadModelCard }): void {
  app.get('/v1/models/:name/versions/:version/card', { schema }, async (request, reply) => {
    const { principal, params } = request
    const choice = toVersionChoice(params.version)
    const card = await readCard(principal.projectId, params.name, choice)
    return await reply.type(`${MARKDOWN}; charset=utf-8`).send(card)
  })
}
