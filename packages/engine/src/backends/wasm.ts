/**
 * Float32 training in WebAssembly: the whole epoch is one call, and all that JavaScript does between
 * two is to read a few numbers. Formulas are those of the reference backend.
 */
import type { Backend, Divergence, Metrics, TrainingData, TrainingSession } from '../backend.ts'
import { GRADIENT_LIMIT, isRegression, type NetworkConfig } from '../config.ts'
import { observationWindows } from '../layer-statistics.ts'
import { openArena } from '../wasm/arena.ts'
import { JobMemory } from '../wasm/job-memory.ts'
import { STATUS_CODES } from '../wasm/job-record.ts'
import { instantiateKernels } from '../wasm/kernels.ts'
import { LayerObserver } from '../wasm/layer-observer.ts'
import { type LayerMap, layerFloats, type MemoryMap, mapMemory } from '../wasm/memory-map.ts'

/** Rows predicted at a time; enough for the packed kernels. */
const PREDICTION_ROWS_MAX = 128

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
        observed: job.observes !== null,
      })
      const arena = openArena(map.bytes)
      const memory = new JobMemory(arena.memory, map)
      memory.writeNetwork(config)
      memory.writeJob(config, job)
      memory.writeWeights(weights)
      memory.keepBest()
      const kernels = instantiateKernels(module, arena.memory, job.shouldStop, (moment, batch) =>
        observer?.observe(moment, batch),
      )
      const observer =
        job.observes === null ? null : new LayerObserver(config, map, memory, kernels)

      const session: TrainingSession = {
        trainEpoch(epoch, rate) {
          memory.writeRate(rate)
          observer?.begin(observationWindows(job, epoch))
          const status = kernels.trainEpoch(epoch)
          switch (status) {
            case STATUS_CODES.completed:
              return {
                status: 'completed',
                metrics: readMetrics(config, memory, job.training.rows),
                penalty: memory.real('penaltySum') / job.training.rows,
                gradientNorm: memory.real('gradientNorm'),
                observations: observer?.observations() ?? [],
              }
            case STATUS_CODES.stopped:
              return { status: 'stopped' }
            default: {
              const overflows = status === STATUS_CODES.gradient_diverged
              const at = overflows ? findBadGradient(memory, map) : findBadRow(memory, map)
              return { status: 'diverged', batch: memory.integer('batch'), ...at }
            }
          }
        },
        validate() {
          if (job.validation === null) return null
          kernels.validate()
          return readMetrics(config, memory, job.validation.rows)
        },
        keepBest: () => memory.keepBest(),
        weights: (which) => memory.readWeights(which),
        close: () => arena.release(),
      }
      return session
    },

    predict(config, weights, inputs, rows) {
      const blockRows = Math.min(rows, PREDICTION_ROWS_MAX)
      const map = mapMemory({
        network: config,
        optimizer: 'sgd',
        batchSize: 1,
        trainingRows: 0,
        validationRows: blockRows,
      })
      const arena = openArena(map.bytes)
      try {
        const memory = new JobMemory(arena.memory, map)
        memory.writeNetwork(config)
        memory.writeWeights(weights)
        const kernels = instantiateKernels(module, arena.memory, null)
        const output = map.layers.at(-1) as LayerMap
        const logits = new Float32Array(rows * output.units)
        for (let start = 0; start < rows; start += blockRows) {
          const count = Math.min(blockRows, rows - start)
          const block = inputs.subarray(start * config.inputs, (start + count) * config.inputs)
          memory.writeRows(block, count, config.inputs, map.inputStride, map.validationInputs)
          kernels.forwardPass(map.validationInputs, count, 1)
          const values = memory.readRows(output.outputs, count, output.units, output.unitStride)
          logits.set(values, start * output.units)
        }
        return logits
      } finally {
        arena.release()
      }
    },
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
