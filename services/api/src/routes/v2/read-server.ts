import { z } from 'zod'
import type { App } from '../../app.ts'
import type { CheckReadiness } from '../health.ts'

const EXTENSIONS = ['classification', 'binary_tensor_data']
const tags = ['Open Inference Protocol']
const readySchema = z.object({ ready: z.boolean() })

export function addReadServer(
  app: App,
  deps: { checkReadiness: CheckReadiness; settings: { version: string } },
): void {
  const { checkReadiness, settings } = deps
  const metadataSchema = z.object({
    name: z.string(),
    version: z.string(),
    extensions: z.array(z.string()),
  })
  app.get(
    '/v2',
    { schema: { tags, summary: 'Read what the server is', response: { 200: metadataSchema } } },
    async () => ({ name: 'trainyard', version: settings.version, extensions: EXTENSIONS }),
  )
  app.get(
    '/v2/health/live',
    {
      schema: {
        tags,
        summary: 'Does the server run',
        response: { 200: z.object({ live: z.boolean() }) },
      },
    },
    async () => ({ live: true }),
  )
  app.get(
    '/v2/health/ready',
    {
      schema: {
        tags,
        summary: 'Can the server answer',
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const ready = (await checkReadiness()).status === 'ready'
      return await reply.code(ready ? 200 : 503).send({ ready })
    },
  )
}
