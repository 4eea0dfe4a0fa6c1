/** Loaded before a service: says each second how late its event loop was. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const histogram = monitorEventLoopDelay({ resolution: 5 })
  histogram.enable()
  setInterval(() => {
    process.stdout.write(`event loop p99 ms: ${histogram.percentile(99) / 1e6}\n`)
  }, 1000).unref()
}
