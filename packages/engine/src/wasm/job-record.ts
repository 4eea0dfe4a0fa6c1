/**
 * The record through which a job is handed to the kernels: written once per job at a fixed address,
 * so that the kernels read every field from a constant. The build generates the kernels' side from
 * these lists; the order is the layout.
 */
export const JOB_ADDRESS = 4096

/** Atomic i32 that the threads of a job meet by, each on a cache line of its own; the job's fields follow them. */
export const TEAM_WORDS = [
  /** Counts the calls to work, and in its low bits has the number of threads called. */
  'round',
  /** Threads at the barrier at hand, and the barriers passed. */
  'arrived',
  'generation',
  /** Threads besides the leader. */
  'joined',
  /** Not 0 once the job has ended or a thread is lost: whoever waits goes. */
  'closed',
] as const

/** i32, addresses in bytes, strides in floats. */
export const JOB_INTEGERS = [
  'layerCount',
  'batchSize',
  'evaluationRows',
  'trainingRows',
  'validationRows',
  'inputStride',
  'targetStride',
  'trainingInputs',
  'trainingTargets',
  'validationInputs',
  'validationTargets',
  'trainingWeights',
  'validationWeights',
  'order',
  'batchInputs',
  'batchTargets',
  'batchWeights',
  'unitWeights',
  'inputMask',
  'inputDropoutThreshold',
  'inputDropoutStream',
  'parameters',
  'gradient',
  'firstMoment',
  'secondMoment',
  'parameterBytes',
  'leftPanels',
  'rightPanels',
  'edgeTile',
  'transposed',
  'scratchBytes',
  'rowLosses',
  'rowPenalties',
  'rowSquares',
  'parameterRows',
  'previousParameters',
  'weighted',
  'normalizes',
  'augmentations',
  'augmentationCount',
  'imageSource',
  'partnerInputs',
  'partners',
  'shares',
  'mixedWeights',
  'partnerTargets',
  'partnerLosses',
  'partnerDelta',
  'mixupStream',
  'imageHeight',
  'imageWidth',
  'imageChannels',
  'loss',
  'optimizer',
  'nesterov',
  'biasCorrection',
  'shuffle',
  'seedLow',
  'seedHigh',
  'shuffleStream',
  'asksBeforeBatch',
  'threads',
  'work',
  'epoch',
  'firstBatch',
  'answer',
  'nextObserved',
  'lastObserved',
  'observedRows',
  'observesValues',
  'batch',
  'step',
  'overflows',
  'correct',
] as const

/** f64. Learning rate and powers of β are state; sums and norm are results. A limit of 0 does not clip. */
export const JOB_REALS = [
  'learningRate',
  'rateFactor',
  'momentum',
  'rho',
  'weightDecay',
  'beta1',
  'beta2',
  'beta1Power',
  'beta2Power',
  'epsilon',
  'mixupAlpha',
  'labelSmoothing',
  'huberDelta',
  'batchNormEpsilon',
  'batchNormMomentum',
  'gradientLimit',
  'l1',
  'l2',
  'clipNorm',
  'clipValue',
  'clipEpsilon',
  'lossSum',
  'penaltySum',
  'gradientNorm',
] as const

/**
 * i32, one set per layer. A threshold of 0 drops nothing; a `…Packed` flag chooses the packed matrix product over the
 * direct one; panels of 0 are none.
 */
export const LAYER_INTEGERS = [
  'inputs',
  'units',
  'inputStride',
  'unitStride',
  'activation',
  'parameterRow',
  'weight',
  'weightGradient',
  'panels',
  'sums',
  'outputs',
  'delta',
  'batchNorm',
  'running',
  'statistics',
  'statisticBlocks',
  'gradientBlocks',
  'normalized',
  'mask',
  'dropped',
  'measured',
  'dropoutThreshold',
  'dropoutStream',
  'forwardPacked',
  'evaluationPacked',
  'weightGradientPacked',
  'inputGradientPacked',
] as const

/** f64, one set per operation of augmentation. The amount is what its type says, of a drop the threshold of its words. */
export const AUGMENTATION_REALS = ['operation', 'stream', 'amount'] as const

export const ACTIVATION_CODES = {
  linear: 0,
  relu: 1,
  tanh: 2,
  sigmoid: 3,
  step: 4,
  leaky_relu: 5,
  elu: 6,
  selu: 7,
  gelu: 8,
  silu: 9,
  softplus: 10,
  softsign: 11,
} as const
export const LOSS_CODES = {
  cross_entropy: 0,
  binary_cross_entropy: 1,
  mse: 2,
  mae: 3,
  huber: 4,
  hinge: 5,
  perceptron: 6,
} as const
/** Decay of adamw and correction of both are fields of their own. */
export const OPTIMIZER_CODES = {
  sgd: 0,
  perceptron: 0,
  momentum: 1,
  adam: 2,
  adamw: 2,
  rmsprop: 3,
  adagrad: 4,
} as const
export const OPERATION_CODES = {
  gaussian_noise: 0,
  feature_drop: 1,
  shift: 2,
  rotate: 3,
  crop: 4,
  flip_horizontal: 5,
  flip_vertical: 6,
} as const
export const STATUS_CODES = {
  completed: 0,
  stopped: 1,
  loss_diverged: 2,
  gradient_diverged: 3,
  /** Before a batch, to go on there: with another number of threads, or once a checkpoint is taken. */
  interrupted: 4,
} as const
export const WORK_CODES = { train: 0, validate: 1 } as const
/**
 * When an observer is called: its last batch was passed over; the gradient is whole but not clipped; the parameters
 * are updated.
 */
export const MOMENT_CODES = {
  missed: 0,
  before_update: 1,
  after_update: 2,
} as const

/**
 * f64, one set per layer of an observed job: totals of its outputs, norms of the step, and the bounds
 * between which an output is live. The highest output of each unit follows, f32.
 */
export const MEASURED_REALS = [
  'sum',
  'squares',
  'flat',
  'flatUnits',
  'gradientNorm',
  'weightNorm',
  'updateNorm',
  'above',
  'below',
] as const

export type TeamWord = (typeof TEAM_WORDS)[number]
export type JobInteger = (typeof JOB_INTEGERS)[number]
export type JobReal = (typeof JOB_REALS)[number]
export type LayerInteger = (typeof LAYER_INTEGERS)[number]
type MeasuredReal = (typeof MEASURED_REALS)[number]

const CACHE_LINE_BYTES = 64
const FIELD_BYTES = 8
const FIELDS_ADDRESS = JOB_ADDRESS + CACHE_LINE_BYTES * TEAM_WORDS.length

export function teamWordAddress(word: TeamWord): number {
  return JOB_ADDRESS + CACHE_LINE_BYTES * TEAM_WORDS.indexOf(word)
}

/** Tables, since these are read once an epoch. */
const INTEGER_ADDRESSES = addressesOf(JOB_INTEGERS, FIELDS_ADDRESS)
const REAL_ADDRESSES = addressesOf(JOB_REALS, FIELDS_ADDRESS + FIELD_BYTES * JOB_INTEGERS.length)

export function jobIntegerAddress(field: JobInteger): number {
  return INTEGER_ADDRESSES[field]
}

export function jobRealAddress(field: JobReal): number {
  return REAL_ADDRESSES[field]
}

/** Layer records follow the job's. */
export const LAYERS_ADDRESS =
  FIELDS_ADDRESS + FIELD_BYTES * (JOB_INTEGERS.length + JOB_REALS.length)
export const LAYER_BYTES = 4 * LAYER_INTEGERS.length

export function layerIntegerAddress(layer: number, field: LayerInteger): number {
  return LAYERS_ADDRESS + LAYER_BYTES * layer + 4 * LAYER_INTEGERS.indexOf(field)
}

export const AUGMENTATION_BYTES = FIELD_BYTES * AUGMENTATION_REALS.length

/** Constants by name, since these are read in the middle of an epoch. */
export const MEASURED_INDICES = Object.fromEntries(
  MEASURED_REALS.map((field, index) => [field, index]),
) as Record<MeasuredReal, number>

export const MEASURED_PEAKS_OFFSET = FIELD_BYTES * MEASURED_REALS.length

function addressesOf<Field extends string>(
  fields: readonly Field[],
  start: number,
): Record<Field, number> {
  const entries = fields.map((field, index) => [field, start + FIELD_BYTES * index])
  return Object.fromEntries(entries) as Record<Field, number>
}
