import { jobParamsSchema, readWeightsQuerySchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadJobWeights } from '../../../use-cases/read-weights.ts'
import { sendFile } from '../send-file.ts'
import { WEIGHTS_DESCRIPTION, weightsResponses } from '../weights-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Download the weights of a job',
  description: WEIGHTS_DESCRIPTION,
  params: jobParamsSchema,
  querystring: readWeightsQuerySchema,
  response: weightsResponses,
}

export function addReadWeights(app: App, { readWeights }: { readWeights: ReadJobWeights }): void {
  app.get('/v1/jobs/:id/weights', { schema }, async (request, reply) => {
    const { principal, params, query } = request
    return await sendFile(request, reply, await readWeights(principal.projectId, params.id, query))
  })
}
