import { afterEach, expect, it } from 'vitest'
import { findFreePort } from '../../../packages/local/src/free-port.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { processMs } from './training/thread-protocol.ts'
import { createWorkerMetrics, serveWorkerMetrics } from './worker-metrics.ts'

const HOST = '127.0.0.1'
let server: { close(): Promise<void> } | null = null

afterEach(() => server?.close())

it('says how late epochs are stored and how late the event loop is, and nothing else', async () => {
  const metrics = createWorkerMetrics()
  const port = await findFreePort(HOST, 0)
  server = await serveWorkerMetrics(metrics, { host: HOST, port })
  for (const lagMs of [20, 300, 4000]) metrics.onEpochsStored(processMs() - lagMs)

  const page = await fetch(`http://${HOST}:${port}/metrics`)
  const text = await page.text()
  // The lag of a loop that has not turned for 10 ms yet is no number.
  const lag = await waitFor('a lag of the event loop', async () => {
    const later = await fetch(`http://${HOST}:${port}/metrics`)
    return (await later.text()).match(/^nodejs_eventloop_lag_p99_seconds ([\d.]+)$/m)
  })
  const elsewhere = await fetch(`http://${HOST}:${port}/`)

  expect([page.status, page.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  const within = (seconds: string) =>
    text.match(`trainyard_epoch_lag_seconds_bucket{le="${seconds}"} (\\d+)`)?.[1]
  expect(['0.25', '1', '5', '60'].map(within)).toEqual(['1', '2', '3', '3'])
  expect(Number(lag[1])).toBeGreaterThan(0)
  expect(elsewhere.status).toBe(404)
})
