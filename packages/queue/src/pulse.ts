/**
 * "Look again" between processes. A pulse may be lost, doubled or late: whoever listens also looks by the clock, so it
 * only makes things quick.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { JobId, SweepId } from '@trainyard/contracts'
import type { Pulse, StopWish } from '@trainyard/domain'
import { Relay } from 'bullmq'
import {
  BLOCK_MS,
  createPostgresRelayBackend,
  prefixOf,
  type QueueOptions,
  toPostgres,
  toPulsingRedis,
  untilUsable,
} from './connection.ts'

/** A node forgotten by an emptied Redis registers again at its next heartbeat, a third of this later. */
const LEASE_MS = 6000
const SUBSCRIBE_AGAIN_MS = 500

const QUEUED = 'jobs.queued'
const CHANGED = 'jobs.changed'
const STOP = 'jobs.stop'
const SWEEP_CHANGED = 'sweeps.changed'

interface StopMessage {
  job_id: JobId
  how: StopWish
}

export interface OpenPulse extends Pulse {
  /** False before the first contact and after a publish has failed, true again after one has gone out. */
  isHealthy(): boolean
  close(): Promise<void>
}

export async function openPulse(options: QueueOptions & { name: string }): Promise<OpenPulse> {
  const relayOptions = {
    namespace: 'trainyard',
    name: options.name,
    leaseDuration: LEASE_MS,
    inboxMaxLength: 1000,
  }
  const relay =
    options.redisUrl === null
      ? new Relay({
          ...relayOptions,
          connection: toPostgres(options.databaseUrl, `pulse-${options.name}`),
          backend: createPostgresRelayBackend,
        })
      : new Relay({
          ...relayOptions,
          connection: toPulsingRedis(options.redisUrl),
          blockTimeout: BLOCK_MS,
          prefix: prefixOf(options),
        })
  relay.on('error', options.onError)
  await untilUsable(options, relay)
  let healthy = false
  let isClosed = false
  relay.waitUntilReady().then(
    () => {
      healthy = true
    },
    // Told to `onError` by the relay itself.
    () => undefined,
  )

  const publish = (topic: string, message: JobId | SweepId | StopMessage | null) => {
    relay.publish(topic, message).then(
      () => {
        healthy = true
      },
      (error: Error) => {
        healthy = false
        options.onError(error)
      },
    )
  }
  const subscribe = async <Message = JobId>(
    topic: string,
    listener: (message: Message) => void,
  ) => {
    while (!isClosed) {
      try {
        await relay.subscribe<Message>(topic, (message) => listener(message.data))
        return
      } catch (error) {
        options.onError(error as Error)
        await delay(SUBSCRIBE_AGAIN_MS, undefined, { ref: false })
      }
    }
  }

  return {
    jobQueued: () => publish(QUEUED, null),
    // The scheduler does the same on both.
    slotFreed: () => publish(QUEUED, null),
    jobChanged: (jobId) => publish(CHANGED, jobId),
    sweepChanged: (sweepId) => publish(SWEEP_CHANGED, sweepId),
    stopAsked: (jobId, how) => publish(STOP, { job_id: jobId, how }),
    onJobQueued: (listener) => void subscribe(QUEUED, listener),
    onJobChanged: (listener) => void subscribe(CHANGED, listener),
    onSweepChanged: (listener) => void subscribe<SweepId>(SWEEP_CHANGED, listener),
    onStopAsked: (listener) =>
      void subscribe<StopMessage>(STOP, ({ job_id: jobId, how }) => listener(jobId, how)),
    isHealthy: () => healthy,
    close() {
      isClosed = true
      return relay.close()
    },
  }
}
