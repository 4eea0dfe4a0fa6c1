import { createId, type JobId } from '@trainyard/contracts'
import type { Pulse } from '@trainyard/domain'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { queuesToTest } from '../../../test/support/queues.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { type OpenPulse, openPulse } from './pulse.ts'
import { type QueueServer, startQueueServer } from './queue-server.fixture.ts'

/** Within this a subscription is back after whatever the server went through; until then everybody looks by the clock. */
const BACK_MS_MAX = 5000

describe.each(queuesToTest())('pulse on the %s queue', (queue) => {
  let server: QueueServer
  let sender: OpenPulse
  let receiver: OpenPulse
  let heard: string[]

  beforeEach(async () => {
    server = await startQueueServer(queue)
    sender = await openPulse({ ...server.options, name: 'sender' })
    receiver = await openPulse({ ...server.options, name: 'receiver' })
    heard = []
    receiver.onJobQueued(() => heard.push('queued'))
    receiver.onJobChanged((jobId) => heard.push(`changed ${jobId}`))
    receiver.onStopAsked((jobId, how) => heard.push(`${how} ${jobId}`))
  })

  afterEach(async () => {
    await Promise.all([sender.close(), receiver.close()])
    await server.stop()
  })

  it.each<[keyof Pulse, (jobId: JobId) => void, string]>([
    ['jobQueued', () => sender.jobQueued(), 'queued'],
    ['slotFreed', () => sender.slotFreed(), 'queued'],
    ['jobChanged', (jobId) => sender.jobChanged(jobId), 'changed JOB'],
    ['stopAsked', (jobId) => sender.stopAsked(jobId, 'cancel'), 'cancel JOB'],
  ])(
    'carries %s to the listeners of it in another connection, and to no other',
    async (_, send, expected) => {
      const jobId = createId('job')

      await waitFor('a pulse', () => {
        send(jobId)
        return heard.length > 0
      })

      expect(new Set(heard)).toEqual(new Set([expected.replace('JOB', jobId)]))
    },
  )

  it('is heard again within seconds after the server was emptied', async () => {
    await untilHeard()
    await server.empty()

    const tookMs = await untilHeard()

    expect(tookMs).toBeLessThan(BACK_MS_MAX)
  })

  it('is heard again within seconds after the server was away', async () => {
    await untilHeard()
    await server.goDown()
    sender.jobQueued()
    await server.comeBack()

    const tookMs = await untilHeard()

    expect(tookMs).toBeLessThan(BACK_MS_MAX)
  })

  it('makes a subscription that was asked for while the server was away', async () => {
    await untilHeard()
    const jobId = createId('job')
    const late: JobId[] = []
    await server.goDown()
    receiver.onJobChanged((changed) => late.push(changed))
    await server.comeBack()

    await waitFor('a pulse to the late listener', () => {
      sender.jobChanged(jobId)
      return late.length > 0
    })

    expect(late[0]).toBe(jobId)
  })

  it('closes within seconds while the server is away', async () => {
    const closing = await openPulse({ ...server.options, name: 'closing' })
    await server.goDown()

    const startedMs = performance.now()
    await closing.close()

    expect(performance.now() - startedMs).toBeLessThan(BACK_MS_MAX)
    await server.comeBack()
  })

  it('neither throws nor waits while the server is away, is unhealthy then, and healthy when it is back', async () => {
    await untilHeard()
    const jobId = createId('job')
    const before = sender.isHealthy()
    await server.goDown()

    await waitFor('the fault is noticed', () => {
      sender.jobQueued()
      sender.slotFreed()
      sender.jobChanged(jobId)
      sender.stopAsked(jobId, 'cancel')
      return !sender.isHealthy()
    })
    await server.comeBack()

    await waitFor('it is healthy again', () => {
      sender.jobQueued()
      return sender.isHealthy()
    })
    expect(before).toBe(true)
    expect(server.faults).not.toEqual([])
  })

  /** Sends until it is heard: one that comes before its subscription, or while the server is away, is lost. */
  async function untilHeard(): Promise<number> {
    const jobId = createId('job')
    const startedMs = performance.now()
    await waitFor('a pulse', () => {
      sender.jobChanged(jobId)
      return heard.includes(`changed ${jobId}`)
    })
    return performance.now() - startedMs
  }
})
