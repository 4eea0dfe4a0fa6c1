/**
 * Float32 training in WebAssembly: the whole epoch is one call, and all that JavaScript does between
 * two is to read a few numbers. Formulas are those of the reference backend.
 */
import type {
  Backend,
  Divergence,
  EpochOutcome,
  Metrics,
  TrainingData,
  TrainingJob,
  TrainingSession,
} from '../backend.ts'
import { GRADIENT_LIMIT, isRegression, type NetworkConfig } from '../config.ts'
import { EngineError } from '../errors.ts'
import { observationWindows } from '../layer-statistics.ts'
import { openArena } from '../wasm/arena.ts'
import { openInferenceMemory } from '../wasm/inference-memory.ts'
import { JobMemory } from '../wasm/job-memory.ts'
import { STATUS_CODES } from '../wasm/job-record.ts'
import { instantiateKernels } from '../wasm/kernels.ts'
import { LayerObserver } from '../wasm/layer-observer.ts'
import { type LayerMap, layerFloats, type MemoryMap, mapMemory } from '../wasm/memory-map.ts'
import { disband, isDisbanded } from '../wasm/team.ts'
import { writeJob, writeNetwork } from '../wasm/write-record.ts'

export function createWasmBackend(module: WebAssembly.Module): Backend {
  return {
    openTraining(config, weights, job) {
      const map = mapMemory({
        network: config,
        optimizer: job.optimizer.type,
        batchSize: job.batchSize,
        trainingRows: job.training.rows,
        validationRows: job.validation?.rows ?? 0,
        weighted: isWeighted(job.training) || isWeighted(job.validation),
        threads: job.team?.size ?? 1,
        observed: job.observes !== null,
        augmentation: job.augmentation,
      })
      const arena = openArena(map.bytes)
      const memory = new JobMemory(arena.memory, map)
      writeNetwork(memory, config)
      writeJob(memory, config, job)
      memory.writeWeights(weights)
      memory.keepBest()
      const beforeBatch = makeBeforeBatch(job, memory)
      const kernels = instantiateKernels(
        module,
        arena.memory,
        beforeBatch.answer,
        (moment, batch) => observer?.observe(moment, batch),
      )
      const observer = job.observes === null ? null : new LayerObserver(config, map, memory)
      const assignment = { module, memory: arena.memory }
      job.team?.start(assignment)

      /** Nobody waits for a thread that has left the kernels by an exception. */
      const call = <Result>(work: () => Result): Result => {
        try {
          return work()
        } catch (cause) {
          const isLost = isDisbanded(arena.memory)
          disband(assignment)
          if (isLost) throw new EngineError('thread_lost', 'a helping thread is gone', { cause })
          throw cause
        }
      }

      const trainFrom = (epoch: number, firstBatch: number): EpochOutcome => {
        let status = call(() => kernels.trainEpoch(epoch, firstBatch))
        while (status === STATUS_CODES.interrupted && !beforeBatch.takesCheckpoint()) {
          status = call(() => kernels.trainEpoch(epoch, memory.integer('batch')))
        }
        switch (status) {
          case STATUS_CODES.completed:
            return {
              status: 'completed',
              metrics: readMetrics(config, memory, job.training.rows),
              penalty: memory.real('penaltySum') / job.training.rows,
              gradientNorm: memory.real('gradientNorm'),
              threads: memory.integer('threads'),
              observations: observer?.observations() ?? [],
            }
          case STATUS_CODES.stopped:
            return { status: 'stopped' }
          case STATUS_CODES.interrupted:
            return { status: 'interrupted' }
          default: {
            const overflows = status === STATUS_CODES.gradient_diverged
            const at = overflows ? findBadGradient(memory, map) : findBadRow(memory, map)
            return { status: 'diverged', batch: memory.integer('batch'), ...at }
          }
        }
      }

      const session: TrainingSession = {
        trainEpoch(epoch, rate) {
          memory.writeRate(rate)
          observer?.begin(observationWindows(job, epoch))
          kernels.beginEpoch(epoch)
          return trainFrom(epoch, 0)
        },
        continueEpoch(rate) {
          if (rate) memory.writeRate(rate)
          return trainFrom(memory.integer('epoch'), memory.integer('batch'))
        },
        fused: kernels.roundsOnce() === 1,
        state: () => memory.state(),
        stateBefore(epoch, rate) {
          memory.writeRate(rate)
          kernels.beginEpoch(epoch)
          memory.writeFirstBatch(epoch)
          return memory.state()
        },
        restore(state) {
          const [epoch = 1, batch = 0] = state.numbers
          kernels.beginEpoch(epoch)
          memory.restore(state)
          // A window that had begun before is not observed: its first batches are gone.
          const windows = observationWindows(job, epoch)
          observer?.begin(windows.filter(({ firstBatch }) => firstBatch >= batch))
        },
        validate() {
          if (job.validation === null) return null
          call(() => kernels.validate())
          return readMetrics(config, memory, job.validation.rows)
        },
        keepBest: () => memory.keepBest(),
        weights: (which) => memory.readWeights(which),
        close() {
          disband(assignment)
          arena.release()
        },
      }
      return session
    },

    openInference: (config, weights) => openInferenceMemory(module, config, weights),
  }
}

/**
 * Answers the kernels before each batch: whether to stop, or to be interrupted, since other threads may
 * still be at work on the batch before.
 */
function makeBeforeBatch(
  { onBatch, team }: TrainingJob,
  memory: JobMemory,
): { answer: () => number; takesCheckpoint: () => boolean } {
  let threads = 1
  // The kernels are called anew for the same batch, which is not asked about twice.
  let interruption: 'checkpoint' | 'regrouping' | null = null
  const interrupt = (why: 'checkpoint' | 'regrouping'): number => {
    interruption = why
    return STATUS_CODES.interrupted
  }
  return {
    answer() {
      if (interruption !== null) {
        interruption = null
        return STATUS_CODES.completed
      }
      const asked = onBatch?.()
      if (asked === 'checkpoint') return interrupt('checkpoint')
      if (asked) return STATUS_CODES.stopped
      if (team === null) return STATUS_CODES.completed
      const present = memory.presentThreads()
      const next = Math.max(1, Math.min(team.threads(present), team.size, present))
      if (next === threads) return STATUS_CODES.completed
      threads = next
      memory.writeThreads(threads)
      return interrupt('regrouping')
    },
    takesCheckpoint: () => interruption === 'checkpoint',
  }
}

function isWeighted(data: TrainingData | null): boolean {
  return (data?.weights ?? null) !== null
}

function readMetrics(config: NetworkConfig, memory: JobMemory, rows: number): Metrics {
  return {
    loss: memory.real('lossSum') / rows,
    accuracy: isRegression(config.loss) ? null : memory.integer('correct') / rows,
  }
}

/** The first layer with a non-finite output in the batch at hand, else the first bad loss. */
function findBadRow(memory: JobMemory, map: MemoryMap): Omit<Divergence, 'batch'> {
  const first = memory.integer('batch') * map.batchSize
  const rows = Math.min(map.batchSize, memory.integer('trainingRows') - first)
  const findRow = (at: number, width: number, stride: number): number | null => {
    const values = memory.readRows(at, rows, width, stride)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    return bad === -1 ? null : memory.orderedRow(first + Math.floor(bad / width))
  }
  const badInput = findRow(map.batchInputs, map.inputStride, map.inputStride)
  if (badInput !== null) return { layer: null, row: badInput }
  for (const [layer, { outputs, units, unitStride }] of map.layers.entries()) {
    const row = findRow(outputs, units, unitStride)
    if (row !== null) return { layer, row }
  }
  // Finite logits and a bad loss: the target is to blame, or the square of a distance overflowed.
  const { units, unitStride, delta } = map.layers.at(-1) as LayerMap
  return { layer: null, row: findRow(delta, units, unitStride) }
}

/** The first layer, in order of the backward pass, whose gradient is too large or not a number. */
function findBadGradient(memory: JobMemory, map: MemoryMap): Omit<Divergence, 'batch'> {
  const layer = map.layers.findLastIndex((each) =>
    memory
      .floats(each.weightGradient, layerFloats(each))
      .some((g) => !(Math.abs(g) < GRADIENT_LIMIT)),
  )
  return { layer: layer === -1 ? null : layer, row: null }
}
