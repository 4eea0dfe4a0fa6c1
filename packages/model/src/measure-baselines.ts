/**
 * What simpler models reach on the validation rows of a job, on its very inputs. Work is bounded by counting, never by the
 * clock, so that the same job has the same baselines on every machine: 0.3 s of one core at the most, a few
 * milliseconds for a small table.
 */
import type { Baseline, ResolvedConfig } from '@trainyard/contracts'
import { createNetwork, type TrainingData, train } from '@trainyard/engine'
import { permutation } from '@trainyard/engine/random'
import { describeBaseline } from './describe-baseline.ts'
import { nearestNeighbors } from './nearest-neighbors.ts'
import { toNetworkConfig } from './network-config.ts'
import type { PreparedTraining } from './prepare-training.ts'

const TRAINING_ROWS_MAX = 20_000
const VALIDATION_ROWS_MAX = 2000
/** Fewer rows than these, because each is so wide, say nothing. */
const TRAINING_ROWS_MIN = 200
const VALIDATION_ROWS_MIN = 100
const NEIGHBORS = 5
/** Operations of all distances; reading and ranking one costs as much as some fifty of its products. */
const NEIGHBOR_FLOPS_MAX = 5e8
const RANKING_FLOPS = 50
const LINEAR_FLOPS_MAX = 2e9
const LINEAR_STEPS_MAX = 2000
/** Wide rows are rather fewer than seen less often. */
const LINEAR_EPOCHS_MIN = 20
const LINEAR_EPOCHS_MAX = 60
const LINEAR_LEARNING_RATE = 0.05

export interface BaselineInput {
  data: Pick<PreparedTraining, 'training' | 'validation' | 'architecture'>
  resolved: ResolvedConfig
  /** Of the epoch whose weights are the best ones. */
  best: { val_loss: number | null; val_accuracy: number | null }
  module: WebAssembly.Module
}

/** Judges predictions, one per listed validation row: classes, or scaled values. */
type Judge = (predictions: ArrayLike<number>, rows: TrainingData) => number

/** The largest class or the mean, a linear model and five nearest neighbors; none without a validation part. */
export async function measureBaselines(input: BaselineInput): Promise<Baseline[]> {
  const { data, resolved, best, module } = input
  const { training, validation, architecture } = data
  const metric = architecture.task === 'classification' ? 'val_accuracy' : 'val_loss'
  const reached = best[metric]
  if (validation === null || reached === null) return []
  const judge: Judge = metric === 'val_accuracy' ? accuracyOf : lossOf(resolved.training.loss)
  const classes = architecture.classes?.length ?? null
  const describe = (name: Baseline['name'], value: number, judged: [TrainingData, TrainingData]) =>
    describeBaseline({
      name,
      metric,
      value,
      reached,
      trained: judged[0].rows,
      judged: judged[1].rows,
      of: { training: training.rows, validation: validation.rows },
    })

  const constant = classes === null ? meanOf(training.targets) : largestClass(training, classes)
  const repeated = new Float64Array(validation.rows).fill(constant)
  const name = classes === null ? 'mean' : 'majority_class'
  const baselines = [describe(name, judge(repeated, validation), [training, validation])]

  const seed = BigInt(resolved.seed)
  const sample = chooseForLinear(training, classes, seed)
  const linear = sample === null ? null : await trainLinear(sample, classes, resolved, module)
  if (sample !== null && linear !== null) {
    const outputs = linear(validation)
    baselines.push(describe('linear_model', judge(outputs, validation), [sample, validation]))
  }
  const pair = choosePair(training, validation, seed)
  if (pair !== null) {
    const outputs = await predictByNeighbors(...pair, classes, module)
    baselines.push(describe('nearest_neighbors', judge(outputs, pair[1]), pair))
  }
  return baselines.filter(({ value }) => Number.isFinite(value))
}

const accuracyOf: Judge = (predictions, { targets, rows }) => {
  let right = 0
  for (let row = 0; row < rows; row++) if (predictions[row] === targets[row]) right += 1
  return right / rows
}

/** The job's own loss, as the engine defines it. */
function lossOf(loss: ResolvedConfig['training']['loss']): Judge {
  const lossOfError = (error: number): number => {
    if (loss === 'mae') return Math.abs(error)
    if (typeof loss !== 'object') return error ** 2
    const clamped = Math.min(Math.max(error, -loss.delta), loss.delta)
    return clamped * (error - 0.5 * clamped)
  }
  return (predictions, { targets, rows }) => {
    let sum = 0
    for (let row = 0; row < rows; row++) {
      sum += lossOfError((predictions[row] ?? 0) - (targets[row] ?? 0))
    }
    return sum / rows
  }
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Of several equally large ones the first. */
function largestClass({ targets }: TrainingData, classes: number): number {
  const counts = new Float64Array(classes)
  for (const label of targets) counts[label] = (counts[label] ?? 0) + 1
  return counts.indexOf(counts.reduce((a, b) => Math.max(a, b), 0))
}

/** Of one epoch: two for each weight and row forward, four backward. */
function linearFlops({ inputs }: TrainingData, classes: number | null): number {
  return 6 * inputs.length * (classes ?? 1)
}

function chooseForLinear(
  training: TrainingData,
  classes: number | null,
  seed: bigint,
): TrainingData | null {
  const flopsPerRow = linearFlops(training, classes) / training.rows
  const affordable = Math.floor(LINEAR_FLOPS_MAX / (LINEAR_EPOCHS_MIN * flopsPerRow))
  const rows = Math.min(training.rows, TRAINING_ROWS_MAX, affordable)
  const isTooFew = rows < training.rows && rows < TRAINING_ROWS_MIN
  return isTooFew ? null : choose(training, rows, seed)
}

/** Softmax or linear regression by Adam with a cosine schedule; answers how it predicts, or null when it diverged. */
async function trainLinear(
  training: TrainingData,
  classes: number | null,
  resolved: ResolvedConfig,
  module: WebAssembly.Module,
): Promise<((data: TrainingData) => Float32Array) | null> {
  const inputs = training.inputs.length / training.rows
  const units = classes ?? 1
  const batchSize = Math.min(training.rows, Math.max(32, Math.min(256, training.rows >> 6)))
  const batches = Math.ceil(training.rows / batchSize)
  const affordable = Math.floor(
    Math.min(LINEAR_STEPS_MAX / batches, LINEAR_FLOPS_MAX / linearFlops(training, classes)),
  )
  const epochs = Math.max(LINEAR_EPOCHS_MIN, Math.min(LINEAR_EPOCHS_MAX, affordable))
  const { loss, huberDelta = 1 } = toNetworkConfig(resolved)
  const network = await createNetwork(
    {
      inputs,
      layers: [{ units, activation: 'linear', initializer: { type: 'zeros' } }],
      loss: classes === null ? loss : 'cross_entropy',
      huberDelta,
    },
    { seed: BigInt(resolved.seed), module },
  )
  const learningRate = LINEAR_LEARNING_RATE
  const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, biasCorrection: true }
  const run = train(network, {
    ...{ training, validation: null, batchSize, epochs, shuffle: true },
    seed: BigInt(resolved.seed),
    optimizer: { type: 'adam', learningRate, ...moments },
    schedule: { type: 'cosine', warmupEpochs: 0 },
    earlyStopping: null,
  })
  let step = run.next()
  while (!step.done) step = run.next()
  if (step.value.stopReason === 'diverged') return null
  return (data) => {
    const outputs = network.predict(data.inputs, data.rows)
    network.dispose()
    return classes === null ? outputs : largestOfRows(outputs, data.rows, classes)
  }
}

function largestOfRows(scores: Float32Array, rows: number, classes: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes)
    return own.indexOf(own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY))
  })
}

/** Votes of the neighbors, ties to the nearest of the tied; or their mean. */
async function predictByNeighbors(
  training: TrainingData,
  validation: TrainingData,
  classes: number | null,
  module: WebAssembly.Module,
): Promise<Float32Array> {
  const count = Math.min(NEIGHBORS, training.rows)
  const nearest = await nearestNeighbors(training, validation, count, module)
  return Float32Array.from({ length: validation.rows }, (_, row) => {
    const indices = nearest.subarray(row * count, (row + 1) * count)
    const targets = Float32Array.from(indices, (i) => training.targets[i] ?? 0)
    if (classes === null) return meanOf(targets)
    const votes = (label: number) => targets.reduce((n, other) => n + Number(other === label), 0)
    return targets.reduce((best, label) => (votes(label) > votes(best) ? label : best))
  })
}

/** As many rows of both parts as the distances between them may cost; null when that is too few to say anything. */
function choosePair(
  training: TrainingData,
  validation: TrainingData,
  seed: bigint,
): [TrainingData, TrainingData] | null {
  const width = training.inputs.length / training.rows
  const known = Math.min(training.rows, TRAINING_ROWS_MAX)
  const judged = Math.min(validation.rows, VALIDATION_ROWS_MAX)
  const share = Math.min(
    1,
    Math.sqrt(NEIGHBOR_FLOPS_MAX / ((2 * width + RANKING_FLOPS) * known * judged)),
  )
  const [knownRows, judgedRows] = [Math.floor(known * share), Math.floor(judged * share)]
  const isTooFew = knownRows < TRAINING_ROWS_MIN || judgedRows < VALIDATION_ROWS_MIN
  if (share < 1 && isTooFew) return null
  return [choose(training, knownRows, seed), choose(validation, judgedRows, seed)]
}

/** The rows themselves when they are few enough, else so many drawn by the seed. */
function choose(data: TrainingData, rowsMax: number, seed: bigint): TrainingData {
  if (data.rows <= rowsMax) return data
  const width = data.inputs.length / data.rows
  const rows = permutation(seed, 'baselines', 0, data.rows).subarray(0, rowsMax)
  const inputs = new Float32Array(rows.length * width)
  for (const [i, row] of rows.entries()) {
    inputs.set(data.inputs.subarray(row * width, (row + 1) * width), i * width)
  }
  const targets = Float32Array.from(rows, (row) => data.targets[row] ?? 0)
  return { rows: rows.length, inputs, targets }
}
