import {
  previewSweepQuerySchema,
  sweepPreviewSchema,
  sweepSchema,
  sweepSpecSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { CreateSweep } from '../../../use-cases/create-sweep.ts'
import type { PreviewSweep } from '../../../use-cases/preview-sweep.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const createSchema = {
  tags: ['Sweeps'],
  summary: 'Start a sweep',
  description:
    'Many trainings of base, each with other values of parameters. With an Idempotency-Key the same request may be sent again for 24 hours and is carried out once.',
  body: sweepSpecSchema,
  response: { 201: sweepSchema, ...problemResponses },
}

const previewSchema = {
  tags: ['Sweeps'],
  summary: 'See the trials of a sweep and what they cost, before it is started',
  description:
    'Nothing is stored. All trials of random and grid are shown as they would run; of coarse_to_fine the first round. The next page is after=<trial_index of the last>.',
  querystring: previewSweepQuerySchema,
  body: sweepSpecSchema,
  response: { 200: sweepPreviewSchema, ...problemResponses },
}

export function addCreateSweep(app: App, { createSweep }: { createSweep: CreateSweep }): void {
  app.post('/v1/sweeps', { schema: createSchema }, async (request, reply) => {
    const { projectId } = request.principal
    const repeat = readIdempotency(request)
    return sendCreated(reply, await createSweep(projectId, request.body, repeat), ({ id }) => id)
  })
}

export function addPreviewSweep(app: App, { previewSweep }: { previewSweep: PreviewSweep }): void {
  app.post('/v1/sweeps/preview', { schema: previewSchema }, ({ principal, body, query }) =>
    previewSweep(principal.projectId, body, query),
  )
}
