/**
 * Trains one job on this thread, start to end, without awaiting: the only way in are the shared words read before each
 * batch, the only way out are messages with epochs and calls for help. Runs under piscina, one task per thread.
 */
import { createHash } from 'node:crypto'
import { threadId, workerData } from 'node:worker_threads'
import type { EpochMetrics, Fold, TestResult, WhichWeights } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { detailToObserve, finalEpochs } from '@trainyard/domain'
import { createNetwork, EngineError, inspectCheckpoint, type Network } from '@trainyard/engine'
import {
  makePrepareTrials,
  measureBaselines,
  measureTest,
  type PreparedTraining,
  packLayers,
  packSplit,
  preparationKey,
  prepareTraining,
  toNetworkConfig,
  unpackLayers,
} from '@trainyard/model'
import { makeTeam } from '../training/make-team.ts'
import { type EpochsRun, runEpochs } from '../training/run-epochs.ts'
import { runFolds, toFinal } from '../training/run-folds.ts'
import { judged } from '../training/summarize-epoch.ts'
import {
  BATCHES_WORD,
  type BatchMessage,
  CHECKPOINT_WORD,
  CONTROL_WORDS,
  ENDING_WORD,
  type EpochReport,
  type PackedSplit,
  processMs,
  RUNG_WORD,
  STOP_HERE,
  STOP_WORD,
  THREAD_WORD,
  THREADS_WORD,
  type ThreadData,
  type ThreadMessage,
  type TrainedWeights,
  type TrainingAnswer,
  type TrainingBatch,
  type TrainingReport,
  type TrainingTask,
} from '../training/thread-protocol.ts'

/** At most four messages a second, however fast the epochs. */
const SEND_INTERVAL_MS = 250

const { kernels, cores } = workerData as ThreadData

export default async function trainJob(task: TrainingTask): Promise<TrainingAnswer> {
  return await answer(task, alone)
}

/** Short trials one after the other; what they have in common is prepared once. */
export async function trainBatch({ tasks, control, progress }: TrainingBatch): Promise<void> {
  const together = prepareTogether()
  for (const [index, task] of tasks.entries()) {
    const metrics: EpochMetrics[] = []
    let endedMs: number | null = null
    const own: TrainingTask = {
      ...task,
      control: control.subarray(index * CONTROL_WORDS, (index + 1) * CONTROL_WORDS),
      progress: {
        postMessage(message: ThreadMessage) {
          if (message.kind !== 'epochs') return
          metrics.push(...message.epochs.metrics)
          endedMs ??= message.endedMs
        },
      } as TrainingTask['progress'],
    }
    const ended = await answer(own, together).catch(
      (error: unknown): TrainingAnswer => ({ kind: 'failed', reason: String(error) }),
    )
    if (ended.kind === 'trained') {
      metrics.push(...ended.report.metrics)
      endedMs ??= ended.report.endedMs
    }
    progress.postMessage({ index, answer: ended, metrics, endedMs } satisfies BatchMessage)
  }
}

/** How what a training starts from is made. */
interface Preparing {
  prepare: (task: TrainingTask) => PreparedTraining
  split: (task: TrainingTask) => PackedSplit
  start: (task: TrainingTask, data: PreparedTraining) => Promise<Network>
}

const alone: Preparing = {
  prepare: prepareTraining,
  split: (task) => toPackedSplit(packSplit(task)),
  start: (task, data) => makeNetwork(task, data, BigInt(task.resolved.seed)),
}

function prepareTogether(): Preparing {
  const splits = new Map<string, PackedSplit>()
  const starts = new Map<string, ReturnType<Network['weights']>>()
  return {
    prepare: makePrepareTrials(),
    split(task) {
      const key = preparationKey(task.resolved)
      const known = splits.get(key) ?? alone.split(task)
      splits.set(key, known)
      return known
    },
    // Drawing the weights of a short training takes a tenth of it.
    async start(task, data) {
      const { seed } = task.resolved
      const config = toNetworkConfig(task.resolved)
      const key = JSON.stringify([seed, config])
      const known = starts.get(key)
      if (known !== undefined) {
        const options = { seed: BigInt(seed), module: kernels, initialWeights: known }
        return await createNetwork(config, options)
      }
      const network = await alone.start(task, data)
      starts.set(key, network.weights('last'))
      return network
    },
  }
}

async function answer(task: TrainingTask, preparing: Preparing): Promise<TrainingAnswer> {
  Atomics.store(task.control, THREAD_WORD, threadId)
  try {
    return { kind: 'trained', report: await train(task, preparing) }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    if (error instanceof EngineError) {
      const { code, message: reason } = error
      if (code === 'invalid_checkpoint') return { kind: 'unresumable', reason }
      if (code === 'memory_exceeded') return { kind: 'memory_exceeded', reason }
    }
    throw error
  }
}

async function train(task: TrainingTask, preparing: Preparing): Promise<TrainingReport> {
  const shouldStop = () => {
    Atomics.add(task.control, BATCHES_WORD, 1)
    if (Atomics.load(task.control, STOP_WORD) === 0) return false
    Atomics.store(task.control, ENDING_WORD, 1)
    return true
  }
  const split = preparing.split(task)
  const validated = await validateFolds(task, shouldStop)
  // After the folds, whose data is gone: both together would need more memory than the job was admitted with.
  const data = preparing.prepare(task)
  if (validated !== null && 'end' in validated) {
    const { architecture, preprocessing } = data
    const nothing = { metrics: [], layers: [], endedMs: null, weights: [], baselines: [] }
    const empty = { ...nothing, threads: 1, test: null }
    return { end: validated.end, ...empty, split, architecture, preprocessing }
  }
  const { best, ...report } = await trainNetwork(task, data, validated?.folds ?? null, {
    shouldStop,
    start: preparing.start,
  })
  // After the network is gone: together they would need more memory than the job was admitted with.
  const hasSucceeded = report.end.kind === 'succeeded'
  const test = hasSucceeded ? await testBest(task, data, report.weights) : null
  const baselines =
    hasSucceeded && best !== null && task.trial === null
      ? await measureBaselines({
          data: withoutRepeats(task, data),
          resolved: task.resolved,
          best,
          module: kernels,
        })
      : []
  return { ...report, split, baselines, test }
}

/** Once, at the end: nothing is chosen by it. */
async function testBest(
  { resolved }: TrainingTask,
  { test, architecture }: PreparedTraining,
  weights: readonly TrainedWeights[],
): Promise<TestResult | null> {
  const best = weights.find(({ which }) => which === 'best')
  if (test === null || best === undefined) return null
  const { loss, accuracy } = await measureTest({
    ...{ test, resolved, architecture },
    weights: best.bytes,
    module: kernels,
  })
  // A model may have learnt finite numbers and still overflow on rows far from them.
  const metrics = { test_loss: Number.isFinite(loss) ? loss : null, test_accuracy: accuracy }
  return { rows: test.rows, epoch: best.epoch, metrics }
}

/** Simpler models learn from each row once: the most frequent class is that of the data. */
function withoutRepeats(task: TrainingTask, data: PreparedTraining): PreparedTraining {
  const { resolved } = task
  if (!resolved.training.oversample) return data
  const training = { ...resolved.training, oversample: false }
  return prepareTraining({ ...task, resolved: { ...resolved, training } })
}

/** With folds for as long as their best epochs say. */
async function trainNetwork(
  task: TrainingTask,
  data: PreparedTraining,
  folds: readonly Fold[] | null,
  { shouldStop, start }: { shouldStop: () => boolean } & Pick<Preparing, 'start'>,
): Promise<Omit<TrainingReport, 'split' | 'baselines' | 'test'> & { best: EpochMetrics | null }> {
  const { control, progress, resume } = task
  const resolved = folds === null ? task.resolved : toFinal(task.resolved)
  const epochs = folds === null ? null : finalEpochs(folds)
  const network = await start(task, data)
  const { architecture, preprocessing } = data
  try {
    const send = (message: ThreadMessage, moved: ArrayBuffer[] = []) =>
      progress.postMessage(message, moved)
    const team = makeTeam(resolved, cores, {
      threads: () => Atomics.load(control, THREADS_WORD),
      askForHelp: (threads, assignment) => send({ kind: 'help', threads, assignment }),
    })
    let unsent: EpochReport = { metrics: [], layers: [] }
    let endedMs: number | null = null
    let sentMs = Number.NEGATIVE_INFINITY
    const sendEpochs = () => {
      send({ kind: 'epochs', epochs: unsent, endedMs: endedMs ?? processMs() })
      unsent = { metrics: [], layers: [] }
      endedMs = null
      sentMs = performance.now()
    }
    let best = resume?.progress.best ?? null
    let last = resume?.progress.last ?? null
    const sendCheckpoint = (
      kind: 'checkpoint' | 'end',
      bytes: Uint8Array<ArrayBuffer>,
      seconds: number,
    ) => {
      const { step } = inspectCheckpoint(bytes)
      const counted = { epoch: last?.epoch ?? 0, seconds, best, last }
      const checkpoint = { bytes, sha256: hashOf(bytes), step, progress: counted }
      send({ kind, checkpoint: { ...checkpoint, architecture, preprocessing } }, [bytes.buffer])
    }
    const run = runEpochs(network, data, resolved, {
      shouldStop,
      ...(task.trial?.observed !== false && {
        observes: (epoch: number) => detailToObserve(epoch, epochs ?? resolved.training.epochs),
      }),
      isPruned(epoch) {
        if (best === null || last === null || !task.trial?.rungs.includes(epoch)) return false
        sendEpochs()
        send({ kind: 'rung', best, last })
        return waitAtRung(control)
      },
      onEpoch: (metrics, layers) => {
        unsent.metrics.push(metrics)
        endedMs ??= processMs()
        unsent.layers.push(...layers)
        if (best === null || judged(metrics) < judged(best)) best = metrics
        last = metrics
        if (performance.now() - sentMs >= SEND_INTERVAL_MS) sendEpochs()
      },
      wantsCheckpoint() {
        if (Atomics.load(control, CHECKPOINT_WORD) === 0) return false
        Atomics.store(control, CHECKPOINT_WORD, 0)
        return true
      },
      onCheckpoint(bytes, seconds) {
        sendEpochs()
        sendCheckpoint('checkpoint', bytes, seconds)
      },
      ...(task.trial?.checkpointed !== false && {
        onEnd(bytes: Uint8Array<ArrayBuffer>, seconds: number) {
          Atomics.store(control, ENDING_WORD, 1)
          sendCheckpoint('end', bytes, seconds)
        },
      }),
      resume: resume && {
        bytes: resume.bytes,
        seconds: resume.progress.seconds,
        continues: resume.continues,
      },
      team,
      ...(epochs !== null && { epochs }),
    })
    Atomics.store(control, ENDING_WORD, 1)
    const { end, threads } = run
    const weights = takeWeights(network, run)
    return { end, ...unsent, endedMs, threads, weights, architecture, preprocessing, best }
  } finally {
    network.dispose()
  }
}

/** Whether the trial ends here. A thread that shall stop waits too: what it was told must count before it is asked again. */
function waitAtRung(control: Int32Array): boolean {
  for (;;) {
    Atomics.wait(control, RUNG_WORD, 0)
    const word = Atomics.exchange(control, RUNG_WORD, 0)
    if (word !== 0) return word === STOP_HERE
  }
}

/** null without folds. */
async function validateFolds(task: TrainingTask, shouldStop: () => boolean) {
  const { validation } = task.resolved
  if (validation === null || !('folds' in validation)) return null
  return await runFolds(task, (data, seed) => makeNetwork(task, data, seed), {
    completed: task.folds,
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
    return { which, epoch, bytes, sha256: hashOf(bytes) }
  }
  return [take('best', run.bestEpoch), take('last', run.lastEpoch)]
}

function toPackedSplit(bytes: Uint8Array<ArrayBuffer>): PackedSplit {
  return { sha256: hashOf(bytes), bytes }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
