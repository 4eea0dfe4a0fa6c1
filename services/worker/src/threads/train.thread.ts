/**
 * Trains one job on this thread, start to end, without awaiting: the only way in are the shared words read before each
 * batch, the only way out are messages with epochs and calls for help. Runs under piscina, one task per thread.
 */
import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import type { WhichWeights } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { detailToObserve, finalEpochs } from '@trainyard/domain'
import { createNetwork, type Network } from '@trainyard/engine'
import {
  type PreparedTraining,
  packLayers,
  prepareTraining,
  toNetworkConfig,
  unpackLayers,
} from '@trainyard/model'
import { makeTeam } from '../training/make-team.ts'
import { type EpochsRun, runEpochs } from '../training/run-epochs.ts'
import { runFolds, toFinal } from '../training/run-folds.ts'
import {
  BATCHES_WORD,
  type EpochReport,
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
    const { end } = validated
    return { end, metrics: [], layers: [], threads: 1, weights: [], architecture, preprocessing }
  }
  const resolved = validated === null ? task.resolved : toFinal(task.resolved)
  const epochs = validated === null ? null : finalEpochs(validated.folds)
  const network = await makeNetwork(task, data, BigInt(resolved.seed))
  try {
    const send = (message: ThreadMessage) => progress.postMessage(message)
    const team = makeTeam(resolved, cores, {
      threads: () => Atomics.load(control, THREADS_WORD),
      askForHelp: (threads, assignment) => send({ kind: 'help', threads, assignment }),
    })
    let unsent: EpochReport = { metrics: [], layers: [] }
    let sentMs = Number.NEGATIVE_INFINITY
    const run = runEpochs(network, data, resolved, {
      shouldStop,
      observes: (epoch) => detailToObserve(epoch, epochs ?? resolved.training.epochs),
      onEpoch: (metrics, layers) => {
        unsent.metrics.push(metrics)
        unsent.layers.push(...layers)
        if (performance.now() - sentMs < SEND_INTERVAL_MS) return
        send({ kind: 'epochs', epochs: unsent })
        unsent = { metrics: [], layers: [] }
        sentMs = performance.now()
      },
      team,
      ...(epochs !== null && { epochs }),
    })
    const weights = takeWeights(network, run)
    const { end, threads } = run
    return { end, ...unsent, threads, weights, architecture, preprocessing }
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
    onFold: (fold) => task.progress.postMessage({ kind: 'fold', fold } satisfies ThreadMessage),
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
