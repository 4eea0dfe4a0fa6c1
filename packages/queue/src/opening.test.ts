import { createId, type JobId } from '@trainyard/contracts'
import { afterEach, describe, expect, it } from 'vitest'
import { queuesToTest } from '../../../test/support/queues.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { openConsumer } from './consumer.ts'
import { openProducer } from './producer.ts'
import { openPulse } from './pulse.ts'
import { type QueueServer, startQueueServer } from './queue-server.fixture.ts'

let server: QueueServer | null = null

afterEach(async () => {
  await server?.stop()
  server = null
})

describe.runIf(queuesToTest().includes('redis'))('opening on the redis queue', () => {
  it('does not wait for a server that is away, and works once it is there', async () => {
    server = await startQueueServer('redis')
    const { options, goDown, comeBack } = server
    await goDown()
    const job = { jobId: createId('job'), generation: 0 }
    const received: JobId[] = []

    const producer = await openProducer(options)
    const consumer = await openConsumer(options, 1, async (jobId) => void received.push(jobId))
    const pulse = await openPulse({ ...options, name: 'test' })
    const changed: JobId[] = []
    pulse.onJobChanged((jobId) => changed.push(jobId))
    const wasHealthy = pulse.isHealthy()
    const askedMs = performance.now()
    await expect(producer.add([job])).rejects.toThrow()
    const answeredMs = performance.now() - askedMs
    await comeBack()
    await waitFor('the producer is connected', () =>
      producer.add([job]).then(
        () => true,
        () => false,
      ),
    )

    await waitFor('the delivery', () => received.length > 0)
    await waitFor('a pulse', () => {
      pulse.jobChanged(job.jobId)
      return changed.includes(job.jobId)
    })
    expect(received).toEqual([job.jobId])
    expect(answeredMs).toBeLessThan(5000)
    expect([wasHealthy, pulse.isHealthy()]).toEqual([false, true])
    await Promise.all([pulse.close(), consumer.close(), producer.close()])
  })
})

describe('opening on the postgres queue', () => {
  it('refuses a server that is away, so that its process ends and is started again', async () => {
    server = await startQueueServer('postgres')
    const { options, goDown, comeBack } = server
    await goDown()

    const refused = await Promise.allSettled([
      openProducer(options),
      openConsumer(options, 1, async () => undefined),
      openPulse({ ...options, name: 'test' }),
    ])

    expect(refused.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    await comeBack()
    const producer = await openProducer(options)
    await producer.add([{ jobId: createId('job'), generation: 0 }])
    await producer.close()
  })

  it('makes its tables once when a scheduler, workers and an API open at the same time', async () => {
    server = await startQueueServer('postgres')
    const { options, faults } = server

    const opened = await Promise.all([
      openProducer(options),
      openConsumer(options, 1, async () => undefined),
      openConsumer(options, 1, async () => undefined),
      openPulse({ ...options, name: 'api' }),
      openPulse({ ...options, name: 'worker' }),
    ])

    await opened[0].add([{ jobId: createId('job'), generation: 0 }])
    expect(faults).toEqual([])
    await Promise.all(opened.map((part) => part.close()))
  })
})
