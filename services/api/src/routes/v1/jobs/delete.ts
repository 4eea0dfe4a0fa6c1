import { deleteJobQuerySchema, jobParamsSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { DeleteJob } from '../../../use-cases/delete-job.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Delete a job that has ended',
  params: jobParamsSchema,
  querystring: deleteJobQuerySchema,
  response: { 204: z.undefined().describe('Deleted'), ...problemResponses },
}

export function addDeleteJob(app: App, { deleteJob }: { deleteJob: DeleteJob }): void {
  app.delete('/v1/jobs/:id', { schema }, async (request, reply) => {
    const purge = request.query.purge ?? false
    await deleteJob(request.principal.projectId, request.params.id, { purge })
    return await reply.code(204).send()
  })
}
