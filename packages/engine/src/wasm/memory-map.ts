/**
 * Where everything of one job lies in its WebAssembly.Memory. Each block starts where the one before
 * ends, on a cache line; the memory is allocated to the map's size and never grows, because growing
 * would detach every view and threads could not agree on its moment.
 */
import type { Augmentation } from '../augmentation/augmentation.ts'
import {
  type ActivationName,
  isRegression,
  type NetworkConfig,
  type OptimizerConfig,
  outputUnits,
} from '../config.ts'
import { layerShapes } from '../weights.ts'
import {
  AUGMENTATION_BYTES,
  LAYER_BYTES,
  LAYERS_ADDRESS,
  MEASURED_PEAKS_OFFSET,
} from './job-record.ts'
import {
  isPacked,
  type ProductShape,
  panelFloats,
  roundUp,
  wholePanelFloats,
} from './matmul-plan.ts'

export interface MemoryInput {
  network: NetworkConfig
  optimizer: OptimizerConfig['type']
  batchSize: number
  trainingRows: number
  validationRows: number
  /** Whether rows have weights. */
  weighted?: boolean
  /** Most threads that may work on the job; 1. */
  threads?: number
  /** Whether layers are observed. */
  observed?: boolean
  augmentation?: Augmentation | null
  /** Whether the network only predicts: without gradients and best parameters, with weights in panels. */
  predicts?: boolean
}

export interface LayerMap {
  inputs: number
  units: number
  batchNorm: boolean
  /** Share of the outputs dropped in training. */
  dropout: number
  /** Floats from one row to the next, a multiple of 4; the padding stays zero. */
  inputStride: number
  unitStride: number
  /**
   * [inputs, unitStride]: the transpose of the public [out, in]; the bias [unitStride] follows it, and
   * with batch normalization γ and β.
   */
  weight: number
  /** Rows of parameters before those of this layer. */
  parameterRow: number
  weightGradient: number
  /** The weights as the packed product reads them, [inputs, unitStride rounded up to a tile]; 0 where there are none. */
  panels: number
  best: number
  /**
   * z and f(z), both [blockRows, unitStride]; the same block unless the derivative is written in terms
   * of z.
   */
  sums: number
  outputs: number
  delta: number
  /** Running mean and variance, [unitStride] each; behind the parameters, as training changes them too. */
  running: number
  bestRunning: number
  /** Mean, biased variance and 1/√(variance + ε) of the batch at hand, gradients of γ and β; each thread's own. */
  statistics: number
  /** Two vectors per block of rows, in the forward and in the backward pass. */
  statisticBlocks: number
  gradientBlocks: number
  /** x̂ [batch, unitStride] */
  normalized: number
  /** Factors of dropout, and the outputs times them, both [batch, unitStride]. */
  mask: number
  dropped: number
  /** What is measured of an observed job: numbers, then the highest output of each unit. */
  measured: number
  packed: { forward: boolean; evaluation: boolean; weightGradient: boolean; inputGradient: boolean }
}

export interface MemoryMap {
  layers: LayerMap[]
  batchSize: number
  /** Rows of validation data taken at a time. */
  evaluationRows: number
  /** The larger of both: rows for which there are outputs. */
  blockRows: number
  inputStride: number
  targetStride: number
  trainingInputs: number
  trainingTargets: number
  validationInputs: number
  validationTargets: number
  trainingWeights: number
  validationWeights: number
  order: number
  batchInputs: number
  batchTargets: number
  batchWeights: number
  /** As many ones as rows can be at hand: the weights where there are none. */
  unitWeights: number
  /** Factors of the inputs' dropout, [batch, inputStride]. */
  inputMask: number
  parameters: number
  best: number
  firstMoment: number
  secondMoment: number
  gradient: number
  parameterBytes: number
  /** Parameters and running statistics. */
  stateBytes: number
  /** Rows of all layers' parameters. */
  parameterRows: number
  /** float64: losses of a batch's or of all validation rows; penalties and squared gradients by row of parameters. */
  rowLosses: number
  rowPenalties: number
  rowSquares: number
  /** The first thread's scratch, these six; the other threads' follow at equal distances. */
  scratchBytes: number
  leftPanels: number
  rightPanels: number
  edgeTile: number
  transposed: number
  /** What an operation on an image reads; scratch as well. */
  imageSource: number
  /** A row to mix with; scratch too. */
  partnerInputs: number
  /** Of each row of the batch the row it is mixed with, the share of its own, and the weight of either loss. */
  partners: number
  shares: number
  mixedWeights: number
  /** Like the batch's targets, its losses and the output layer's delta. */
  partnerTargets: number
  partnerLosses: number
  partnerDelta: number
  /** The operations of augmentation. */
  augmentations: number
  /** Of an observed job the parameters before the step. */
  previousParameters: number
  /** Size of the memory, whole pages. */
  bytes: number
}

export const PAGE_BYTES = 65536
/** Rows of a batch whose statistics are taken as one; their sums are added in order. */
export const STATISTICS_BLOCK_ROWS = 16
/** Vectors among the statistics of a layer. */
export const STATISTICS_VECTORS = 5

/** Enough rows for the packed kernels, few enough to stay in cache. */
export const EVALUATION_ROWS_MAX = 128
const BLOCK_ALIGNMENT_BYTES = 64
/** The larger of the two builds' tiles. */
const EDGE_TILE_FLOATS = 6 * 8
/** Not monotonic, so that f(z) does not say what f'(z) is. */
const KEEPS_SUMS: ReadonlySet<ActivationName | undefined> = new Set(['gelu', 'silu'])
const MOMENTS = {
  sgd: 0,
  perceptron: 0,
  momentum: 1,
  rmsprop: 1,
  adagrad: 1,
  adam: 2,
  adamw: 2,
} as const

/** Pure arithmetic: nothing is allocated, so a plan can quote a job of any size. */
export function mapMemory(input: MemoryInput): MemoryMap {
  const { network, trainingRows, validationRows } = input
  const { weighted = false, observed = false, threads = 1, augmentation = null } = input
  const { predicts = false } = input
  const batchSize = Math.min(input.batchSize, Math.max(trainingRows, 1))
  const evaluationRows = Math.min(validationRows, EVALUATION_ROWS_MAX)
  const blockRows = Math.max(batchSize, evaluationRows)
  const inputStride = paddedStride(network.inputs)
  const targetStride = isRegression(network.loss) ? paddedStride(outputUnits(network)) : 1
  const shapes = layerShapes(network).map((shape, index) => {
    const { batchNorm = false, dropout = 0 } = network.layers[index] ?? {}
    return { ...shape, batchNorm, dropout }
  })
  const mixes = (augmentation?.mixup ?? null) !== null
  // Of what mixing keeps, a value for each row; whole vectors are read.
  const mixedRows = mixes ? roundUp(batchSize, 4) : 0
  const products = shapes.map((shape) => layerProducts(shape, batchSize, evaluationRows))
  const parameterFloats = shapes.reduce((sum, shape) => sum + layerFloats(shape), 0)
  const parameterRows = shapes.reduce((sum, shape) => sum + parameterRowsOf(shape), 0)
  const runningFloats = shapes.reduce((sum, shape) => sum + 2 * normalizedFloats(shape), 0)

  let end = LAYERS_ADDRESS + shapes.length * LAYER_BYTES
  const take = (floats: number): number => {
    const start = roundUp(end, BLOCK_ALIGNMENT_BYTES)
    end = start + 4 * floats
    return start
  }

  // What a checkpoint holds is one range: from the parameters to the gradient.
  const parameters = take(parameterFloats + runningFloats)
  const best = take(predicts ? 0 : parameterFloats + runningFloats)
  const firstMoment = take(MOMENTS[input.optimizer] >= 1 ? parameterFloats : 0)
  const secondMoment = take(MOMENTS[input.optimizer] >= 2 ? parameterFloats : 0)
  const gradient = take(predicts ? 0 : parameterFloats)

  let parameterOffset = 0
  let parameterRow = 0
  let runningOffset = 4 * parameterFloats
  const layers = shapes.map((shape, index): LayerMap => {
    const unitStride = paddedStride(shape.units)
    const at = parameterOffset
    const runningAt = runningOffset
    const row = parameterRow
    parameterRow += parameterRowsOf(shape)
    parameterOffset += 4 * layerFloats(shape)
    runningOffset += 8 * normalizedFloats(shape)
    const normalizes = shape.batchNorm
    const dropsOut = shape.dropout > 0
    const { forward, evaluation, weightGradient, inputGradient } = products[index] as LayerProducts
    const outputs = take(blockRows * unitStride)
    const blockFloats = normalizes
      ? 2 * unitStride * Math.ceil(batchSize / STATISTICS_BLOCK_ROWS)
      : 0
    const keepsSums = KEEPS_SUMS.has(network.layers[index]?.activation)
    return {
      ...shape,
      inputStride: paddedStride(shape.inputs),
      unitStride,
      weight: parameters + at,
      parameterRow: row,
      weightGradient: gradient + at,
      panels:
        predicts && isPacked(evaluation) ? take(wholePanelFloats(shape.inputs, unitStride)) : 0,
      best: best + at,
      sums: keepsSums ? take(blockRows * unitStride) : outputs,
      outputs,
      delta: take(predicts ? 0 : blockRows * unitStride),
      running: parameters + runningAt,
      bestRunning: best + runningAt,
      statistics: take(normalizes ? threads * STATISTICS_VECTORS * unitStride : 0),
      statisticBlocks: take(blockFloats),
      gradientBlocks: take(blockFloats),
      normalized: take(normalizes ? batchSize * unitStride : 0),
      mask: take(dropsOut ? maskFloats(batchSize * unitStride) : 0),
      dropped: take(dropsOut ? batchSize * unitStride : 0),
      measured: take(observed ? MEASURED_PEAKS_OFFSET / 4 + unitStride : 0),
      packed: {
        forward: isPacked(forward),
        evaluation: isPacked(evaluation),
        weightGradient: isPacked(weightGradient),
        inputGradient: isPacked(inputGradient),
      },
    }
  })

  const panels = products.flatMap((product) => Object.values(product).map(panelFloats))
  const scratchStart = roundUp(end, BLOCK_ALIGNMENT_BYTES)
  const scratch = {
    leftPanels: take(Math.max(...panels.map(({ left }) => left))),
    rightPanels: take(predicts ? 0 : Math.max(...panels.map(({ right }) => right))),
    edgeTile: take(EDGE_TILE_FLOATS),
    transposed: take(Math.max(...layers.map(transposedFloats))),
    imageSource: take(augmentation?.image ? inputStride : 0),
    partnerInputs: take(mixes ? inputStride : 0),
  }
  const scratchBytes = roundUp(end, BLOCK_ALIGNMENT_BYTES) - scratchStart
  take(((threads - 1) * scratchBytes) / 4)

  const map = {
    layers,
    batchSize,
    evaluationRows,
    blockRows,
    inputStride,
    targetStride,
    parameters,
    best,
    firstMoment,
    secondMoment,
    gradient,
    parameterBytes: 4 * parameterFloats,
    stateBytes: 4 * (parameterFloats + runningFloats),
    parameterRows,
    ...scratch,
    scratchBytes,
    rowLosses: take(2 * Math.max(batchSize, validationRows)),
    rowPenalties: take(2 * parameterRows),
    rowSquares: take(2 * parameterRows),
    previousParameters: take(observed ? parameterFloats : 0),
    augmentations: take(((augmentation?.operations.length ?? 0) * AUGMENTATION_BYTES) / 4),
    partners: take(mixedRows),
    shares: take(mixedRows),
    mixedWeights: take(mixedRows),
    partnerTargets: take(mixedRows * targetStride),
    partnerLosses: take(2 * mixedRows),
    partnerDelta: take(mixedRows * paddedStride(outputUnits(network))),
    batchInputs: take(batchSize * inputStride),
    batchTargets: take(roundUp(batchSize * targetStride, 4)),
    batchWeights: take(weighted ? roundUp(batchSize, 4) : 0),
    unitWeights: take(roundUp(blockRows, 4)),
    inputMask: take(network.inputDropout ? maskFloats(batchSize * inputStride) : 0),
    order: take(trainingRows),
    trainingInputs: take(trainingRows * inputStride),
    trainingTargets: take(trainingRows * targetStride),
    validationInputs: take(validationRows * inputStride),
    validationTargets: take(roundUp(validationRows * targetStride, 4)),
    trainingWeights: take(weighted ? trainingRows : 0),
    validationWeights: take(weighted ? roundUp(validationRows, 4) : 0),
  }
  return { ...map, bytes: roundUp(end, PAGE_BYTES) }
}

type LayerProducts = Record<
  'forward' | 'evaluation' | 'weightGradient' | 'inputGradient',
  ProductShape
>

function layerProducts(
  { inputs, units }: { inputs: number; units: number },
  batchSize: number,
  evaluationRows: number,
): LayerProducts {
  return {
    forward: { m: batchSize, k: inputs, n: units },
    evaluation: { m: evaluationRows, k: inputs, n: units },
    weightGradient: { m: inputs, k: batchSize, n: units },
    inputGradient: { m: batchSize, k: units, n: inputs },
  }
}

/** Scratch for the transposed weights of a direct input gradient, which the first layer never needs. */
function transposedFloats({ units, inputStride, packed }: LayerMap, index: number): number {
  return index === 0 || packed.inputGradient ? 0 : units * inputStride
}

/** Weights, bias, γ and β with the padding of every row. */
export function layerFloats(shape: { inputs: number; units: number; batchNorm: boolean }): number {
  return parameterRowsOf(shape) * paddedStride(shape.units)
}

/** One row per input, one for the bias, and with batch normalization γ and β. */
function parameterRowsOf({ inputs, batchNorm }: { inputs: number; batchNorm: boolean }): number {
  return inputs + (batchNorm ? 3 : 1)
}

/** One value per unit of a layer with batch normalization. */
function normalizedFloats({ units, batchNorm }: { units: number; batchNorm: boolean }): number {
  return batchNorm ? paddedStride(units) : 0
}

/** Masks are drawn 16 values at a time. */
function maskFloats(values: number): number {
  return roundUp(values, 16)
}

function paddedStride(values: number): number {
  return roundUp(values, 4)
}
