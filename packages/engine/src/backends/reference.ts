/**
 * The oracle: plain loops in float64, obviously right and slow. The Wasm backend is tested against
 * it, and it is tested against central differences.
 */
import { augmentRows } from '../augmentation/augment-rows.ts'
import type { Backend, Divergence, Metrics } from '../backend.ts'
import { GRADIENT_LIMIT, type OptimizerConfig } from '../config.ts'
import { EngineError } from '../errors.ts'
import { clipGradient } from '../gradient-clip.ts'
import { observationWindows } from '../layer-statistics.ts'
import { createAdagrad } from '../optimizers/adagrad.ts'
import { createAdam } from '../optimizers/adam.ts'
import { createAdamw } from '../optimizers/adamw.ts'
import { createMomentum } from '../optimizers/momentum.ts'
import type { Optimizer } from '../optimizers/optimizer.ts'
import { createRmsprop } from '../optimizers/rmsprop.ts'
import { sgd } from '../optimizers/sgd.ts'
import { element, Matrix } from '../tensor.ts'
import { epochOrder, gatherBatch, rowLosses, weightedMean } from './reference-batch.ts'
import { ReferenceNetwork } from './reference-network.ts'
import { ReferenceObserver } from './reference-observer.ts'

function refuseCheckpoints(): never {
  throw new EngineError('invalid_options', 'the reference backend has no checkpoints')
}

export const referenceBackend: Backend = {
  openTraining(config, weights, job) {
    const network = new ReferenceNetwork(config, weights)
    let best = network.state()
    const optimize = createOptimizer(job.optimizer, network.weightMask())
    const isBad = (g: number) => !(Math.abs(g) < GRADIENT_LIMIT)

    return {
      trainEpoch(epoch, rate) {
        const order = epochOrder(job, epoch)
        const batches = Math.ceil(order.length / job.batchSize)
        const augmentRow =
          job.augmentation === null
            ? undefined
            : augmentRows(job.training, job.augmentation, job.seed, epoch)
        const totals = { loss: 0, correct: 0, penalty: 0 }
        let gradientNorm = 0
        let { learningRate } = rate
        const observer = new ReferenceObserver(config, network, observationWindows(job, epoch))
        for (let start = 0; start < order.length; start += job.batchSize) {
          const answer = job.onBatch?.()
          if (answer === 'checkpoint') refuseCheckpoints()
          if (answer) return { status: 'stopped' }
          const rows = order.subarray(start, start + job.batchSize)
          const batch = gatherBatch(config, job.training, rows, augmentRow)
          const pass = { seed: job.seed, step: (epoch - 1) * batches + start / job.batchSize }
          const activations = network.forward(batch.inputs, pass)
          const losses = rowLosses(
            network,
            activations.at(-1) as Matrix,
            batch.targets,
            batch.mixed,
          )
          const at = { status: 'diverged' as const, batch: start / job.batchSize }
          if (!losses.values.every(Number.isFinite)) {
            return { ...at, ...findBadRow(activations, losses, rows) }
          }
          totals.correct += losses.correct
          const stepRate = learningRate
          learningRate *= rate.factorPerStep
          gradientNorm = 0
          const loss = weightedMean(losses.values, batch.weights)
          if (loss === null) continue
          network.backward(activations, batch.targets, batch.weights, batch.mixed)
          const penalty = network.addPenalty(job.regularization ?? {})
          const layer = network.findGradientLayer(isBad)
          if (layer !== null) return { ...at, layer, row: null }
          gradientNorm = Math.sqrt(network.gradient.reduce((sum, g) => sum + g * g, 0))
          observer.beforeUpdate(at.batch)
          if (job.gradientClip) clipGradient(network.gradient, gradientNorm, job.gradientClip)
          optimize(network.parameters, network.gradient, stepRate)
          observer.afterUpdate(at.batch)
          network.updateRunning()
          totals.penalty += penalty * rows.length
          totals.loss += loss * rows.length
        }
        return {
          status: 'completed',
          metrics: toMetrics(network, totals, order.length),
          penalty: totals.penalty / order.length,
          gradientNorm,
          threads: 1,
          observations: observer.observations(),
        }
      },

      fused: false,
      state: refuseCheckpoints,
      stateBefore: refuseCheckpoints,
      restore: refuseCheckpoints,
      continueEpoch: refuseCheckpoints,

      validate() {
        if (job.validation === null) return null
        const rows = Uint32Array.from({ length: job.validation.rows }, (_, row) => row)
        const { inputs, targets, weights } = gatherBatch(config, job.validation, rows)
        const logits = network.forward(inputs).at(-1) as Matrix
        const losses = rowLosses(network, logits, targets)
        const loss = (weightedMean(losses.values, weights) ?? 0) * rows.length
        return toMetrics(network, { loss, correct: losses.correct }, rows.length)
      },

      keepBest() {
        best = network.state()
      },

      weights: (which) => network.weights(which === 'best' ? best : network.state()),

      close() {},
    }
  },

  openInference(config, weights) {
    const network = new ReferenceNetwork(config, weights)
    return {
      predict(inputs, rows) {
        const batch = new Matrix(rows, config.inputs, Float64Array.from(inputs))
        return Float32Array.from((network.forward(batch).at(-1) as Matrix).values)
      },
      close: () => undefined,
    }
  },
}

/** isWeight [parameters] */
function createOptimizer(config: OptimizerConfig, isWeight: readonly boolean[]): Optimizer {
  const parameterCount = isWeight.length
  switch (config.type) {
    case 'sgd':
    case 'perceptron':
      return sgd
    case 'rmsprop':
      return createRmsprop(config, parameterCount)
    case 'adagrad':
      return createAdagrad(parameterCount)
    case 'adamw':
      return createAdamw(config, isWeight)
    case 'momentum':
      return createMomentum(config, parameterCount)
    case 'adam':
      return createAdam(config, parameterCount)
  }
}

function toMetrics(
  { loss }: ReferenceNetwork,
  totals: { loss: number; correct: number },
  rows: number,
): Metrics {
  return {
    loss: totals.loss / rows,
    accuracy: loss.isCorrect === null ? null : totals.correct / rows,
  }
}

/** The first layer with a non-finite output and its first bad row; else the row of the bad loss. */
function findBadRow(
  activations: readonly Matrix[],
  losses: { values: Float64Array },
  rows: Uint32Array,
): Omit<Divergence, 'batch'> {
  for (const [index, { values, columns }] of activations.entries()) {
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad === -1) continue
    // Entry 0 holds the inputs: bad data is no layer's fault.
    const layer = index === 0 ? null : index - 1
    return { layer, row: rows[Math.floor(bad / columns)] ?? null }
  }
  const bad = losses.values.findIndex((value) => !Number.isFinite(value))
  return { layer: null, row: element(Float64Array.from(rows), bad) }
}
