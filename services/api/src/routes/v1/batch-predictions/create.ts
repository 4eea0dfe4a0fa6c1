import { batchPredictionSchema, createBatchPredictionBodySchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { CreateBatchPrediction } from '../../../use-cases/create-batch-prediction.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Batch predictions'],
  summary: 'Predict every row of a data set',
  description:
    'A worker predicts it; the result is a data set with the number of each row, the ids of the source, label or value, and what `outputs` asks for. Model and data set count as they are now, whatever becomes of them. At most 50,000,000 cells are read, and as many written. With an Idempotency-Key the same request may be sent again for 24 hours and is carried out once.',
  body: createBatchPredictionBodySchema,
  response: { 201: batchPredictionSchema, ...problemResponses },
}

export function addCreateBatchPrediction(
  app: App,
  { createBatchPrediction }: { createBatchPrediction: CreateBatchPrediction },
): void {
  app.post('/v1/batch_predictions', { schema }, async (request, reply) => {
    const { projectId } = request.principal
    const repeat = readIdempotency(request)
    const created = await createBatchPrediction(projectId, request.body, repeat)
    return sendCreated(reply, created, ({ id }) => id)
  })
}
