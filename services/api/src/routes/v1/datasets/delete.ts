import { datasetParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { DeleteDataset } from '../../../use-cases/delete-dataset.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Delete a data set that no job works on',
  params: datasetParamsSchema,
  response: { 204: z.undefined().describe('Deleted'), ...problemResponses },
}

export function addDeleteDataset(
  app: App,
  { deleteDataset }: { deleteDataset: DeleteDataset },
): void {
  app.delete('/v1/datasets/:id', { schema }, async (request, reply) => {
    await deleteDataset(request.principal.projectId, request.params.id)
    return await reply.code(204).send()
  })
}
