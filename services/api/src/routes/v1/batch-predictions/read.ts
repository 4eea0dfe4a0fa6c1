import {
  batchPredictionParamsSchema,
  batchPredictionSchema,
  listBatchPredictionsQuerySchema,
  listSchema,
  readJobQuerySchema,
} from '@trainyard/contracts'
import { type BatchPredictionStore, DomainError, isTerminal } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import type { JobWatch } from '../../../streams/job-watch.ts'
import { findBatchPrediction } from '../../../use-cases/find-batch-prediction.ts'
import { isIdLike } from '../../../use-cases/find-job.ts'
import { waitForChange } from '../../../use-cases/wait-for-change.ts'
import { closed } from '../closed.ts'
import { problemResponses } from '../problem-responses.ts'

const tags = ['Batch predictions']

const listQuery = {
  tags,
  summary: 'List batch predictions, newest first',
  querystring: listBatchPredictionsQuerySchema,
  response: { 200: listSchema(batchPredictionSchema), ...problemResponses },
}

const readSchema = {
  tags,
  summary: 'Read a batch prediction, or wait for its next change',
  description:
    'wait=N answers at once when it has ended, else when its status or its rows_done change, at the latest after N seconds.',
  params: batchPredictionParamsSchema,
  querystring: readJobQuerySchema,
  response: { 200: batchPredictionSchema, ...problemResponses },
}

const cancelSchema = {
  tags,
  summary: 'Cancel a batch prediction',
  description:
    'One that waits ends at once (200); one that runs stops after the rows at hand and leaves nothing (202). Repeating it changes nothing.',
  params: batchPredictionParamsSchema,
  response: { 200: batchPredictionSchema, 202: batchPredictionSchema, ...problemResponses },
}

export function addReadBatchPredictions(
  app: App,
  deps: {
    batchPredictions: Pick<BatchPredictionStore, 'find' | 'list' | 'cancel'>
    watch: JobWatch
    draining: AbortSignal
  },
): void {
  const { batchPredictions, watch, draining } = deps
  app.get('/v1/batch_predictions', { schema: listQuery }, ({ principal, query }) =>
    batchPredictions.list(principal.projectId, query),
  )
  app.get('/v1/batch_predictions/:id', { schema: readSchema }, (request, reply) =>
    waitForChange(watch, {
      waitSeconds: request.query.wait ?? 0,
      signal: AbortSignal.any([draining, closed(reply.raw)]),
      read: () =>
        findBatchPrediction(batchPredictions, request.principal.projectId, request.params.id),
      hasEnded: ({ status }) => isTerminal(status),
      hasChanged: (before, now) =>
        before.status !== now.status || before.rows_done !== now.rows_done,
    }),
  )
  app.post('/v1/batch_predictions/:id/cancel', { schema: cancelSchema }, async (request, reply) => {
    const { id } = request.params
    const { projectId } = request.principal
    const batch = isIdLike(id, 'bp') ? await batchPredictions.cancel(projectId, id) : null
    if (batch === null) throw new DomainError('batch_prediction_not_found')
    return await reply.code(batch.status === 'cancelling' ? 202 : 200).send(batch)
  })
}
