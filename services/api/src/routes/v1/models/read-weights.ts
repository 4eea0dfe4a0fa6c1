import { exportQuerySchema, modelVersionParamsSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { toVersionChoice } from '../../../use-cases/find-model.ts'
import type { ReadVersionWeights } from '../../../use-cases/read-weights.ts'
import { sendFile } from '../send-file.ts'
import { WEIGHTS_DESCRIPTION, weightsResponses } from '../weights-responses.ts'

const schema = {
  tags: ['Models'],
  summary: 'Download the weights of a version',
  description: WEIGHTS_DESCRIPTION,
  params: modelVersionParamsSchema,
  querystring: exportQuerySchema,
  response: weightsResponses,
}

export function addReadVersionWeights(
  app: App,
  { readWeights }: { readWeights: ReadVersionWeights },
): void {
  app.get('/v1/models/:name/versions/:version/weights', { schema }, async (request, reply) => {
    const { principal, params, query } = request
    const choice = toVersionChoice(params.version)
    const file = await readWeights(principal.projectId, params.name, choice, query)
    return await sendFile(request, reply, file)
  })
}
