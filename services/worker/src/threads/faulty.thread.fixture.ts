/** The training thread with a fault: real ones, chosen by the seed of the job, before its first batch. */
import { threadId } from 'node:worker_threads'
import { THREAD_WORD, type TrainingAnswer, type TrainingTask } from '../training/thread-protocol.ts'

export const FAULT_SEEDS = {
  throws: 101,
  exits: 102,
  fills_the_heap: 103,
  rejects_beside: 104,
  never_ends: 105,
  hoards: 106,
}

/** 320 MB a second: no kernel's worth of speed, but a machine's memory in a minute. */
const HOARD_BYTES = 16e6
const HOARD_EVERY_MS = 50

export default async function trainFaultily(task: TrainingTask): Promise<TrainingAnswer> {
  switch (task.resolved.seed) {
    case FAULT_SEEDS.throws:
      throw new Error('a fault in the training')
    case FAULT_SEEDS.exits:
      process.exit(3)
      break
    case FAULT_SEEDS.fills_the_heap: {
      const filled: number[][] = []
      for (;;) filled.push(new Array<number>(1_000_000).fill(0.5))
    }
    case FAULT_SEEDS.rejects_beside:
      void Promise.reject(new Error('nobody waits for this'))
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      break
    case FAULT_SEEDS.hoards: {
      // As a training does when it begins.
      Atomics.store(task.control, THREAD_WORD, threadId)
      const hoard: Float32Array[] = []
      for (;;) {
        hoard.push(new Float32Array(HOARD_BYTES / 4).fill(1))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HOARD_EVERY_MS)
      }
    }
    case FAULT_SEEDS.never_ends:
      for (;;) Math.random()
  }
  // Not above: it cannot be loaded but in a thread, and the seeds are read by tests.
  const { default: trainJob } = await import('./train.thread.ts')
  return await trainJob(task)
}
