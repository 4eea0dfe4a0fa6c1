import { checkpointParamsSchema, checkpointSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadCheckpoint } from '../../../use-cases/read-checkpoints.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Read a checkpoint of a job',
  params: checkpointParamsSchema,
  response: { 200: checkpointSchema, ...problemResponses },
}

export function addReadCheckpoint(
  app: App,
  { readCheckpoint }: { readCheckpoint: ReadCheckpoint },
): void {
  app.get('/v1/jobs/:id/checkpoints/:checkpoint_id', { schema }, ({ principal, params }) =>
    readCheckpoint(principal.projectId, params.id, params.checkpoint_id),
  )
}
