import {
  type ModelPredictBody,
  modelParamsSchema,
  modelPredictBodySchema,
  modelPredictionSchema,
  modelPredictQuerySchema,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { writePredictionCsv } from '../../../threads/prediction-csv.ts'
import type { PredictByModel } from '../../../use-cases/predict.ts'
import { problemResponses } from '../problem-responses.ts'

const CSV_BYTES_MAX = 8 * 1024 ** 2
const csvSchema = z.any().meta({ type: 'string', description: 'A header and at least one line' })

const schema = {
  tags: ['Models'],
  summary: 'Predict with a model',
  description:
    'Records are raw, as in the data set; the preprocessing travels with the weights. By `version` or `alias`, of a CSV as query parameters; with neither the alias `champion` decides, and without one the latest version. 10,000 records at once, of a CSV 100,000 rows in 8 MiB. `Accept: text/csv` asks for a CSV.',
  params: modelParamsSchema,
  querystring: modelPredictQuerySchema,
  body: {
    content: {
      'application/json': { schema: modelPredictBodySchema },
      'text/csv': { schema: csvSchema },
    },
  },
  response: {
    200: {
      content: {
        'application/json': { schema: modelPredictionSchema },
        'text/csv': { schema: csvSchema },
      },
    },
    ...problemResponses,
  },
}

export function addPredictByModel(
  app: App,
  { predictByModel }: { predictByModel: PredictByModel },
): void {
  // A scope of its own: nowhere else is a CSV a text in memory.
  app.register(async (scope: App) => {
    scope.addContentTypeParser(
      'text/csv',
      { parseAs: 'string', bodyLimit: CSV_BYTES_MAX },
      async (_request: unknown, csv: string) => csv,
    )
    scope.post('/v1/models/:name/predict', { schema }, async (request, reply) => {
      const { principal, params, query } = request
      const body = request.body as ModelPredictBody | string | undefined
      if (body === undefined) throw missingBody()
      const isCsv = typeof body === 'string'
      const wish = isCsv ? { ...query, csv: body } : { ...query, ...body }
      const prediction = await predictByModel(principal.projectId, params.name, wish)
      if (request.headers.accept?.startsWith('text/csv') !== true) return prediction
      return reply.type('text/csv; charset=utf-8').send(writePredictionCsv(prediction.predictions))
    })
  })
}

/** A request without a media type is checked by no schema. */
function missingBody(): DomainError {
  const detail = 'is required: application/json, or text/csv'
  return new DomainError('validation_error', { errors: [{ pointer: '#', detail }] })
}
