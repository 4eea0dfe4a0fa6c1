/** What the record of a job says, and the data it is given: written once, before the kernels are called. */
import { MIXUP_STREAM } from '../augmentation/augment-rows.ts'
import type { TrainingData, TrainingJob } from '../backend.ts'
import { GRADIENT_LIMIT, type NetworkConfig, type OptimizerConfig, targetWidth } from '../config.ts'
import { CLIP_EPSILON } from '../gradient-clip.ts'
import { BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM } from '../layers/batch-norm.ts'
import { dropoutStream, dropoutThreshold } from '../layers/dropout.ts'
import { ADAGRAD_EPSILON } from '../optimizers/adagrad.ts'
import { SHUFFLE_STREAM, seedWords, streamNumber } from '../random.ts'
import { encodeOperations } from './augmentation-record.ts'
import type { JobMemory } from './job-memory.ts'
import {
  ACTIVATION_CODES,
  type JobInteger,
  type LayerInteger,
  LOSS_CODES,
  OPTIMIZER_CODES,
} from './job-record.ts'

/** Fields of the map that the kernels do not read. */
const UNRECORDED: ReadonlySet<string> = new Set(['best', 'bytes', 'blockRows', 'stateBytes'])

/** The part of the record that follows from the network. */
export function writeNetwork(memory: JobMemory, config: NetworkConfig): void {
  const { layers, ...addresses } = memory.map
  memory.setInteger('layerCount', layers.length)
  memory.setInteger('normalizes', Number(layers.some(({ batchNorm }) => batchNorm)))
  memory.setInteger('loss', LOSS_CODES[config.loss])
  memory.setReal('labelSmoothing', config.labelSmoothing ?? 0)
  memory.setReal('huberDelta', config.huberDelta ?? 1)
  memory.setInteger('inputDropoutThreshold', dropoutThreshold(config.inputDropout ?? 0))
  memory.setInteger('inputDropoutStream', streamNumber(dropoutStream('inputs')))
  memory.setReal('batchNormEpsilon', BATCH_NORM_EPSILON)
  memory.setReal('batchNormMomentum', BATCH_NORM_MOMENTUM)
  for (const [field, value] of Object.entries(addresses)) {
    if (!UNRECORDED.has(field)) memory.setInteger(field as JobInteger, value)
  }
  for (const [index, layer] of layers.entries()) {
    const activation = config.layers[index]?.activation ?? 'linear'
    const fields: Record<LayerInteger, number> = {
      inputs: layer.inputs,
      units: layer.units,
      inputStride: layer.inputStride,
      unitStride: layer.unitStride,
      activation: ACTIVATION_CODES[activation],
      parameterRow: layer.parameterRow,
      weight: layer.weight,
      weightGradient: layer.weightGradient,
      panels: layer.panels,
      sums: layer.sums,
      outputs: layer.outputs,
      delta: layer.delta,
      batchNorm: Number(layer.batchNorm),
      running: layer.running,
      statistics: layer.statistics,
      statisticBlocks: layer.statisticBlocks,
      gradientBlocks: layer.gradientBlocks,
      normalized: layer.normalized,
      mask: layer.mask,
      dropped: layer.dropped,
      measured: layer.measured,
      dropoutThreshold: dropoutThreshold(layer.dropout),
      dropoutStream: streamNumber(dropoutStream(index)),
      forwardPacked: Number(layer.packed.forward),
      evaluationPacked: Number(layer.packed.evaluation),
      weightGradientPacked: Number(layer.packed.weightGradient),
      inputGradientPacked: Number(layer.packed.inputGradient),
    }
    for (const [field, value] of Object.entries(fields)) {
      memory.setLayerInteger(index, field as LayerInteger, value)
    }
  }
}

/** The part of the record, and the data, that follow from the training job. */
export function writeJob(memory: JobMemory, config: NetworkConfig, job: TrainingJob): void {
  const [seedLow, seedHigh] = seedWords(job.seed)
  memory.setInteger('trainingRows', job.training.rows)
  memory.setInteger('validationRows', job.validation?.rows ?? 0)
  memory.setInteger('shuffle', Number(job.shuffle))
  memory.setInteger('seedLow', seedLow)
  memory.setInteger('seedHigh', seedHigh)
  memory.setInteger('shuffleStream', streamNumber(SHUFFLE_STREAM))
  memory.setInteger('asksBeforeBatch', Number(job.onBatch !== null || job.team !== null))
  memory.writeThreads(1)
  memory.writeNextObserved()
  memory.setReal('gradientLimit', GRADIENT_LIMIT)
  writeOptimizer(memory, job.optimizer)
  writeAugmentation(memory, job.augmentation)
  const { regularization, gradientClip: clip } = job
  memory.setReal('l1', regularization?.l1 ?? 0)
  memory.setReal('l2', regularization?.l2 ?? 0)
  memory.setReal('clipNorm', clip !== null && 'norm' in clip ? clip.norm : 0)
  memory.setReal('clipValue', clip !== null && 'value' in clip ? clip.value : 0)
  memory.setReal('clipEpsilon', CLIP_EPSILON)
  const { trainingInputs, trainingTargets, validationInputs, validationTargets } = memory.map
  writeRowWeights(memory, job)
  writeData(memory, config, job.training, trainingInputs, trainingTargets)
  if (job.validation !== null) {
    writeData(memory, config, job.validation, validationInputs, validationTargets)
  }
}

function writeData(
  memory: JobMemory,
  config: NetworkConfig,
  data: TrainingData,
  inputsAt: number,
  targetsAt: number,
): void {
  const { inputStride, targetStride } = memory.map
  memory.writeRows(data.inputs, data.rows, config.inputs, inputStride, inputsAt)
  memory.writeRows(data.targets, data.rows, targetWidth(config), targetStride, targetsAt)
}

/** Where only one of the two data sets has weights, the other gets ones. */
function writeRowWeights(memory: JobMemory, { training, validation }: TrainingJob): void {
  const { unitWeights, validationWeights, trainingWeights, blockRows } = memory.map
  memory.floats(unitWeights, blockRows).fill(1)
  const [forTraining, forValidation] = [training.weights ?? null, validation?.weights ?? null]
  if (forTraining === null && forValidation === null) return
  memory.setInteger('weighted', 1)
  const ones = (rows: number) => new Float32Array(rows).fill(1)
  memory.floats(trainingWeights, training.rows).set(forTraining ?? ones(training.rows))
  if (validation === null) return
  memory.floats(validationWeights, validation.rows).set(forValidation ?? ones(validation.rows))
}

function writeOptimizer(memory: JobMemory, optimizer: OptimizerConfig): void {
  memory.setInteger('optimizer', OPTIMIZER_CODES[optimizer.type])
  if (optimizer.type === 'momentum') {
    memory.setReal('momentum', optimizer.momentum)
    memory.setInteger('nesterov', Number(optimizer.nesterov))
  }
  if (optimizer.type === 'rmsprop') {
    memory.setReal('rho', optimizer.rho)
    memory.setReal('epsilon', optimizer.epsilon)
  }
  if (optimizer.type === 'adagrad') memory.setReal('epsilon', ADAGRAD_EPSILON)
  if (optimizer.type === 'adamw') memory.setReal('weightDecay', optimizer.weightDecay)
  if (optimizer.type === 'adam' || optimizer.type === 'adamw') {
    memory.setInteger('biasCorrection', Number(optimizer.biasCorrection))
    memory.setReal('beta1', optimizer.beta1)
    memory.setReal('beta2', optimizer.beta2)
    memory.setReal('beta1Power', 1)
    memory.setReal('beta2Power', 1)
    memory.setReal('epsilon', optimizer.epsilon)
  }
}

function writeAugmentation(memory: JobMemory, augmentation: TrainingJob['augmentation']): void {
  if (augmentation === null) return
  const { operations, image, mixup } = augmentation
  memory.setReal('mixupAlpha', mixup ?? 0)
  memory.setInteger('mixupStream', streamNumber(MIXUP_STREAM))
  memory.setInteger('augmentationCount', operations.length)
  memory.setInteger('imageHeight', image?.height ?? 0)
  memory.setInteger('imageWidth', image?.width ?? 0)
  memory.setInteger('imageChannels', image?.channels ?? 0)
  memory.writeReals(memory.map.augmentations, encodeOperations(operations))
}
