import type { Consumer, QueueOptions } from '@trainyard/queue'
import { openConsumer } from '@trainyard/queue'
import { startDatasetPredictor } from './consumers/predict-dataset.ts'
import { makeTakeDelivery } from './consumers/take-delivery.ts'
import { makeJobTrainer } from './consumers/train-job.ts'
import type { WorkerDeps } from './deps.ts'
import { startMemoryWatch } from './training/memory-watch.ts'

/** Starts taking jobs, one per slot, in so much memory as the process may hold. `stop` gives the running ones back. */
export async function startWorker(
  deps: WorkerDeps,
  options: { slots: number; queue: QueueOptions; memoryBytes: number },
): Promise<{ stop(): Promise<void> }> {
  const { workers, workerId, pulse, log } = deps
  const trainer = makeJobTrainer(deps)
  const live = () => workers.heartbeat({ id: workerId, slots: options.slots })
  await live()
  // The first job shall not wait for the scheduler's clock.
  pulse.slotFreed()
  const heartbeat = setInterval(() => {
    live().catch((error: unknown) => log.warn({ err: error }, 'the heartbeat could not be stored'))
  }, deps.renewEveryMs)
  const predictor = startDatasetPredictor(deps)
  const watch = startMemoryWatch({ limitBytes: options.memoryBytes, jobs: trainer.running, log })
  pulse.onStopAsked((jobId, how) => trainer.stop(jobId, how))
  const takeDelivery = makeTakeDelivery(trainer, log)
  const consumer: Consumer = await openConsumer(options.queue, options.slots, takeDelivery)

  return {
    async stop() {
      clearInterval(heartbeat)
      watch.stop()
      // Beside the giving back, which needs no permission: without Postgres it only keeps deaths from being miscounted.
      const drains = workers.drain(workerId)
      drains.catch((error: unknown) => log.warn({ err: error }, 'the drain could not be stored'))
      await Promise.all([trainer.drain(), predictor.drain()])
      await drains.then(() => workers.leave(workerId)).catch(() => undefined)
      pulse.slotFreed()
      await consumer.close()
    },
  }
}
