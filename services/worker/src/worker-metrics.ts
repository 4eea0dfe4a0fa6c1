/** What Prometheus may ask a worker, on a port of its own; no ids and no names of users stand in it. */
import { createServer } from 'node:http'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { processMs } from './training/thread-protocol.ts'

export interface WorkerMetrics {
  onEpochsStored(endedMs: number): void
  /** In Prometheus' text format. */
  page(): Promise<{ type: string; text: string }>
}

export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry()
  // Memory, processor time, and how late the event loop is: `nodejs_eventloop_lag_p99_seconds`.
  collectDefaultMetrics({ register: registry })
  const epochLag = new Histogram({
    name: 'trainyard_epoch_lag_seconds',
    help: 'From the end of an epoch to its commit: the oldest epoch of each message of a training',
    buckets: [0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10, 60],
    registers: [registry],
  })
  return {
    onEpochsStored: (endedMs) => epochLag.observe((processMs() - endedMs) / 1000),
    page: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

/** Answers `GET /metrics`, and 404 to everything else. */
export async function serveWorkerMetrics(
  metrics: WorkerMetrics,
  { host, port }: { host: string; port: number },
): Promise<{ close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    try {
      const { type, text } = await metrics.page()
      response.writeHead(200, { 'content-type': type }).end(text)
    } catch {
      // Whoever asks sees it, and asks again in some seconds.
      response.writeHead(500).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
