import { livenessSchema, type Readiness, readinessSchema } from '@trainyard/contracts'
import type { App } from '../app.ts'

export type CheckReadiness = () => Promise<Readiness>

/** `livez`: the process runs. `readyz`: it can do its work; without the queue it can, only starts are slower. */
export function addHealth(app: App, { checkReadiness }: { checkReadiness: CheckReadiness }): void {
  app.get(
    '/livez',
    {
      schema: {
        tags: ['Health'],
        summary: 'Does the process run',
        response: { 200: livenessSchema },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['Health'],
        summary: 'Can the process do its work',
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_request, reply) => {
      const readiness = await checkReadiness()
      return await reply.code(readiness.status === 'ready' ? 200 : 503).send(readiness)
    },
  )
}
