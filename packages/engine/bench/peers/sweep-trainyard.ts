/** W8: 64 trainings of W4 for 5 epochs, learning rates spread in log space, one worker thread a core. */
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createNetwork, ENGINE_VERSION, train } from '../../src/index.ts'
import { digits, makeData, print, workloadOf } from './common.ts'
import { toNetworkConfig, toTrainingOptions } from './peer-trainyard.ts'

const TRIALS = 64
const EPOCHS = 5

/** Shared between the threads: the number of the next trial, and the accuracy of each. */
interface Sweep {
  next: Int32Array<SharedArrayBuffer>
  accuracies: Float64Array<SharedArrayBuffer>
}

if (isMainThread) await runSweep(Number(process.argv[2] ?? 2))
else await runTrials(workerData as Sweep)

async function runSweep(jobs: number): Promise<void> {
  const startedMs = performance.now()
  const sweep: Sweep = {
    next: new Int32Array(new SharedArrayBuffer(4)),
    accuracies: new Float64Array(new SharedArrayBuffer(8 * TRIALS)),
  }
  const threads = Array.from({ length: jobs }, () => {
    return new Worker(new URL(import.meta.url), { workerData: sweep })
  })
  await Promise.all(threads.map((thread) => once(thread, 'exit')))
  print({
    peer: 'trainyard',
    version: ENGINE_VERSION,
    workload: 'W8',
    threads: jobs,
    sweep_s: digits((performance.now() - startedMs) / 1000),
    // With Node's own start.
    with_start_s: digits(performance.now() / 1000),
    best: digits(Math.max(...sweep.accuracies)),
  })
}

async function runTrials({ next, accuracies }: Sweep): Promise<void> {
  const workload = workloadOf('W4')
  const data = makeData(workload, workload.samples)
  const rows = data.y.length
  for (let trial = Atomics.add(next, 0, 1); trial < TRIALS; trial = Atomics.add(next, 0, 1)) {
    const rate = 10 ** (-4 + (2 * trial) / (TRIALS - 1))
    const network = await createNetwork(toNetworkConfig(workload), { seed: BigInt(trial) })
    for (const _epoch of train(network, toTrainingOptions(workload, data, EPOCHS, rate)));
    const logits = network.predict(data.x, rows)
    accuracies[trial] = data.y.filter((label, row) => label === largest(logits, row)).length / rows
    network.dispose()
  }
}

function largest(logits: Float32Array, row: number): number {
  const scores = logits.subarray(row * 10, row * 10 + 10)
  return scores.indexOf(Math.max(...scores))
}
