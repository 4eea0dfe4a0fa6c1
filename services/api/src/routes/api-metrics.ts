import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Settings } from '../deps.ts'

export type ApiMetrics = ReturnType<typeof createApiMetrics>

/** One registry per app, so that two apps in one process do not share numbers. */
export function createApiMetrics({
  version,
  commit,
  processMetrics,
}: Pick<Settings, 'version' | 'commit' | 'processMetrics'>) {
  const registry = new Registry()
  const registers = [registry]
  if (processMetrics) collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'trainyard_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'commit'],
    registers,
  }).set({ version, commit }, 1)
  return {
    registry,
    httpRequests: new Counter({
      name: 'trainyard_http_requests_total',
      help: 'Requests answered',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    httpDuration: new Histogram({
      name: 'trainyard_http_request_duration_seconds',
      help: 'From the headers of a request to the end of its answer, streams excluded',
      labelNames: ['method', 'route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    jobs: new Gauge({
      name: 'trainyard_jobs',
      help: 'Jobs by status, over all projects',
      labelNames: ['status'],
      registers,
    }),
    sseConnections: new Gauge({
      name: 'trainyard_sse_connections',
      help: 'Open event streams of this process',
      registers,
    }),
    sseDropped: new Counter({
      name: 'trainyard_sse_dropped_total',
      help: 'Event streams cut by this process',
      labelNames: ['reason'],
      registers,
    }),
    inferenceRows: new Counter({
      name: 'trainyard_inference_rows_total',
      help: 'Records predicted',
      labelNames: ['model_kind'],
      registers,
    }),
    inferenceDuration: new Histogram({
      name: 'trainyard_inference_duration_seconds',
      help: 'Time to predict the records of one request, model loading excluded',
      buckets: [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers,
    }),
  }
}
