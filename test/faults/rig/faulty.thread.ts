/** Trains as a worker's thread does; a job with one of the seeds below does something bad in its third batch. */
import trainJob from '../../../services/worker/src/threads/train.thread.ts'
import {
  STOP_WORD,
  type TrainingAnswer,
  type TrainingTask,
} from '../../../services/worker/src/training/thread-protocol.ts'
import { BAD_SEEDS } from './bad-seeds.ts'

const BATCH = 3
const SPIN_MS = 3000
const GREEDY_BYTES = 64 * 1024 ** 2
/** Where no limit ends the process, it is not to end the machine. */
const GREEDY_BYTES_MAX = 4 * 1024 ** 3

const BAD_DEEDS: Record<number, () => void> = {
  [BAD_SEEDS.throw]() {
    throw new Error('a bug')
  },
  [BAD_SEEDS.heap]() {
    const kept: object[] = []
    for (;;) kept.push(new Array(100_000).fill({}))
  },
  [BAD_SEEDS.exit]: () => process.exit(3),
  [BAD_SEEDS.kill]: () => process.kill(process.pid, 'SIGKILL'),
  [BAD_SEEDS.spin]() {
    const untilMs = performance.now() + SPIN_MS
    while (performance.now() < untilMs);
  },
  // Typed arrays, which the limit of a thread's heap does not count.
  [BAD_SEEDS.greed]() {
    const kept: Uint8Array[] = []
    while (kept.length * GREEDY_BYTES < GREEDY_BYTES_MAX) {
      kept.push(new Uint8Array(GREEDY_BYTES).fill(1))
    }
  },
}

export default async function trainOrMisbehave(task: TrainingTask): Promise<TrainingAnswer> {
  const misbehave = BAD_DEEDS[task.resolved.seed]
  if (misbehave === undefined) return await trainJob(task)
  const { load } = Atomics
  let batches = 0
  // Looked at before each batch, and the only thing that a training does then.
  Atomics.load = ((array: Int32Array, index: number) => {
    if (array === task.control && index === STOP_WORD && ++batches === BATCH) misbehave()
    return load(array, index)
  }) as typeof Atomics.load
  try {
    return await trainJob(task)
  } finally {
    Atomics.load = load
  }
}
