/**
 * Trains one job on this thread, start to end, without awaiting: the only way in are the shared words read before each
 * batch, the only way out are messages with epochs and calls for help. Runs under piscina, one task per thread.
 */
import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import type { EpochMetrics, WhichWeights } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { createNetwork, type Network } from '@trainyard/engine'
import {
  type PreparedTraining,
  packLayers,
  prepareTraining,
  toNetworkConfig,
} from '@trainyard/model'
import { makeTeam } from '../training/make-team.ts'
import { type EpochsRun, runEpochs } from '../training/run-epochs.ts'
import {
  BATCHES_WORD,
  STOP_WORD,
  THREADS_WORD,
  type ThreadData,
  type ThreadMessage,
  type TrainedWeights,
  type TrainingAnswer,
  type TrainingReport,
  type TrainingTask,
} from '../training/thread-protocol.ts'

/** At most four messages a second, however fast the epochs. */
const SEND_INTERVAL_MS = 250

const { kernels, cores } = workerData as ThreadData

export default async function trainJob(task: TrainingTask): Promise<TrainingAnswer> {
  let data: PreparedTraining
  try {
    data = prepareTraining(task)
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    throw error
  }
  return { kind: 'trained', report: await train(task, data) }
}

async function train(task: TrainingTask, data: PreparedTraining): Promise<TrainingReport> {
  const { resolved, control, progress } = task
  const network = await createNetwork(toNetworkConfig(resolved), {
    seed: BigInt(resolved.seed),
    module: kernels,
  })
  try {
    const send = (message: ThreadMessage) => progress.postMessage(message)
    const team = makeTeam(resolved, cores, {
      threads: () => Atomics.load(control, THREADS_WORD),
      askForHelp: (threads, assignment) => send({ kind: 'help', threads, assignment }),
    })
    let unsent: EpochMetrics[] = []
    let sentMs = Number.NEGATIVE_INFINITY
    const run = runEpochs(network, data, resolved, {
      shouldStop: () => {
        Atomics.add(control, BATCHES_WORD, 1)
        return Atomics.load(control, STOP_WORD) !== 0
      },
      onEpoch: (metrics) => {
        unsent.push(metrics)
        if (performance.now() - sentMs < SEND_INTERVAL_MS) return
        send({ kind: 'epochs', epochs: unsent })
        unsent = []
        sentMs = performance.now()
      },
      team,
    })
    return {
      end: run.end,
      metrics: unsent,
      threads: run.threads,
      weights: takeWeights(network, run),
      architecture: data.architecture,
      preprocessing: data.preprocessing,
    }
  } finally {
    network.dispose()
  }
}

function takeWeights(network: Network, run: EpochsRun): TrainedWeights[] {
  // Stopped or diverged within the first epoch: there is nothing worth keeping.
  if (run.lastEpoch === 0 && run.end.kind !== 'succeeded') return []
  const take = (which: WhichWeights, epoch: number): TrainedWeights => {
    const bytes = packLayers(network.weights(which))
    return { which, epoch, bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  return [take('best', run.bestEpoch), take('last', run.lastEpoch)]
}
