import type { JobStore } from '@trainyard/domain'
import type { App } from '../app.ts'
import type { ApiMetrics } from './api-metrics.ts'

/** Prometheus' text format; no ids and no names of users stand in it. */
export function addMetrics(
  app: App,
  { metrics, jobs }: { metrics: ApiMetrics; jobs: Pick<JobStore, 'countByStatus'> },
): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    metrics.httpRequests.inc({ method: request.method, route, status: reply.statusCode })
    const isStream = reply.raw.getHeader('content-type') === 'text/event-stream'
    if (!isStream) {
      metrics.httpDuration.observe({ method: request.method, route }, reply.elapsedTime / 1000)
    }
  })
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    try {
      const counts = await jobs.countByStatus()
      metrics.jobs.reset()
      for (const { status, count } of counts) metrics.jobs.set({ status }, count)
    } catch (error) {
      // Without Postgres the rest of the page is all the more wanted.
      app.log.warn({ err: error }, 'jobs could not be counted')
    }
    return await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}
