import { checkpointSchema, jobParamsSchema, listSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ListCheckpoints } from '../../../use-cases/read-checkpoints.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'List the checkpoints that a job keeps',
  description:
    'Newest first: at most checkpoint.keep, and of a fork the one that it began with. They stay when the job has ended.',
  params: jobParamsSchema,
  response: { 200: listSchema(checkpointSchema), ...problemResponses },
}

export function addListCheckpoints(
  app: App,
  { listCheckpoints }: { listCheckpoints: ListCheckpoints },
): void {
  app.get('/v1/jobs/:id/checkpoints', { schema }, async ({ principal, params }) => {
    const data = await listCheckpoints(principal.projectId, params.id)
    const [first_id, last_id] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
    return { object: 'list' as const, data, first_id, last_id, has_more: false }
  })
}
