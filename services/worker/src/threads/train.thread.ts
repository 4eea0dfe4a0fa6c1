/**
 * Trains one job on this thread, start to end, without awaiting: the only way in is the shared word read before each
 * batch, the only way out are messages with epochs. Runs under piscina, one task per thread.
 */
import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import type { EpochMetrics, WhichWeights } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { finalEpochs } from '@trainyard/domain'
import { createNetwork, type Network } from '@trainyard/engine'
import {
  type PreparedTraining,
  packLayers,
  prepareTraining,
  toNetworkConfig,
  unpackLayers,
} from '@trainyard/model'
import { type EpochsRun, runEpochs } from '../training/run-epochs.ts'
import { runFolds, toFinal } from '../training/run-folds.ts'
import {
  BATCHES_WORD,
  type ProgressMessage,
  STOP_WORD,
  type ThreadData,
  type TrainedWeights,
  type TrainingAnswer,
  type TrainingReport,
  type TrainingTask,
} from '../training/thread-protocol.ts'

/** At most four messages a second, however fast the epochs. */
const SEND_INTERVAL_MS = 250

const { kernels } = workerData as ThreadData

export default async function trainJob(task: TrainingTask): Promise<TrainingAnswer> {
  try {
    return { kind: 'trained', report: await train(task) }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    throw error
  }
}

async function train(task: TrainingTask): Promise<TrainingReport> {
  const { control, progress } = task
  const shouldStop = () => {
    Atomics.add(control, BATCHES_WORD, 1)
    return Atomics.load(control, STOP_WORD) !== 0
  }
  const data = prepareTraining(task)
  const validated = await validateFolds(task, shouldStop)
  const { architecture, preprocessing } = data
  if (validated !== null && 'end' in validated) {
    return { end: validated.end, metrics: [], weights: [], architecture, preprocessing }
  }
  const resolved = validated === null ? task.resolved : toFinal(task.resolved)
  const network = await makeNetwork(task, data, BigInt(resolved.seed))
  try {
    let unsent: EpochMetrics[] = []
    let sentMs = Number.NEGATIVE_INFINITY
    const run = runEpochs(network, data, resolved, {
      shouldStop,
      onEpoch: (metrics) => {
        unsent.push(metrics)
        if (performance.now() - sentMs < SEND_INTERVAL_MS) return
        progress.postMessage({ epochs: unsent } satisfies ProgressMessage)
        unsent = []
        sentMs = performance.now()
      },
      ...(validated !== null && { epochs: finalEpochs(validated.folds) }),
    })
    const weights = takeWeights(network, run)
    return { end: run.end, metrics: unsent, weights, architecture, preprocessing }
  } finally {
    network.dispose()
  }
}

/** null without folds. */
async function validateFolds(task: TrainingTask, shouldStop: () => boolean) {
  const { validation } = task.resolved
  if (validation === null || !('folds' in validation)) return null
  return await runFolds(task, (data, seed) => makeNetwork(task, data, seed), {
    shouldStop,
    onFold: (fold) => task.progress.postMessage({ fold } satisfies ProgressMessage),
  })
}

async function makeNetwork(
  { resolved, initialWeights }: TrainingTask,
  { architecture }: PreparedTraining,
  seed: bigint,
): Promise<Network> {
  return await createNetwork(toNetworkConfig(resolved), {
    seed,
    module: kernels,
    ...(initialWeights !== null && {
      initialWeights: unpackLayers(architecture, initialWeights),
    }),
  })
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
