/**
 * Seconds per epoch of four networks on synthetic data: `node packages/engine/bench/epochs.ts [threads] [network]`.
 * Measures `train` as a caller does, shuffling and metrics included. The first epochs are dropped,
 * because V8 runs them in its baseline tier. A second run observes the layers in every other epoch: what
 * that costs is the difference of the medians of neighbours. A third takes checkpoints.
 */
import { createHash } from 'node:crypto'
import { cpus } from 'node:os'
import {
  compileKernels,
  createNetwork,
  type LossName,
  type Network,
  planNetwork,
  resolveInitializer,
  type TrainingData,
  type TrainingOptions,
  train,
} from '../src/index.ts'
import { createRandom } from '../src/random.ts'
import { openTeam } from '../test/open-team.ts'

const CHECKPOINTS_TIMED = 20

interface Workload {
  name: string
  inputs: number
  hidden: number[]
  outputs: number
  activation: 'relu' | 'tanh'
  loss: LossName
  batchSize: number
  rows: number
  epochs: number
  targetSeconds: number
  /** Batch normalization, dropout of 0.2 and an L2 penalty. */
  regularized?: boolean
}

const WORKLOADS: Workload[] = [
  {
    name: '2-8-8-1',
    inputs: 2,
    hidden: [8, 8],
    outputs: 1,
    activation: 'tanh',
    loss: 'binary_cross_entropy',
    batchSize: 10,
    rows: 500,
    epochs: 4000,
    targetSeconds: 0.00005,
  },
  {
    name: '64-128-64-10',
    inputs: 64,
    hidden: [128, 64],
    outputs: 10,
    activation: 'relu',
    loss: 'cross_entropy',
    batchSize: 32,
    rows: 1797,
    epochs: 120,
    targetSeconds: 0.005,
  },
  {
    name: '784-512-256-10',
    inputs: 784,
    hidden: [512, 256],
    outputs: 10,
    activation: 'relu',
    loss: 'cross_entropy',
    batchSize: 128,
    rows: 60000,
    epochs: 3,
    targetSeconds: 3.3,
  },
  {
    name: '784-512-256-10+',
    inputs: 784,
    hidden: [512, 256],
    outputs: 10,
    activation: 'relu',
    loss: 'cross_entropy',
    batchSize: 128,
    rows: 60000,
    epochs: 3,
    targetSeconds: 4.1,
    regularized: true,
  },
]

const [threads, only] = [Number(process.argv[2] ?? 1), process.argv[3]]
const { team, close } = openTeam(threads)
const { fused } = await compileKernels()
const kernels = `${fused ? 'fused' : 'unfused'} kernels`
console.log(
  `node ${process.version}, ${cpus()[0]?.model}, ${kernels}, ${threads} of ${cpus().length} threads`,
)
for (const workload of WORKLOADS) {
  if (only === undefined || only === workload.name) await measure(workload)
}
await close()

async function measure(workload: Workload): Promise<void> {
  const { inputs, hidden, outputs, activation, loss, batchSize, rows } = workload
  const { regularized = false } = workload
  const layers = [
    ...hidden.map((units) => ({
      units,
      activation,
      initializer: resolveInitializer(activation),
      batchNorm: regularized,
      dropout: regularized ? 0.2 : 0,
    })),
    {
      units: outputs,
      activation: 'linear' as const,
      initializer: { type: 'xavier_uniform' as const },
    },
  ]
  const config = { inputs, layers, loss }
  const network = await createNetwork(config, { seed: 1n })
  const seconds = timeEpochs(network, workload)
  const steady = seconds.slice(Math.floor(seconds.length / 3))
  const median = medianOf(steady)
  const best = Math.min(...steady)
  const observed = timeEpochs(network, workload, (epoch) => (epoch % 2 === 0 ? 'statistics' : null))
  const warm = observed.slice(2 * Math.floor(observed.length / 6))
  const [off, on] = [0, 1].map((parity) => medianOf(warm.filter((_, i) => i % 2 === parity)))
  const cost = (on ?? Number.NaN) / (off ?? Number.NaN) - 1
  const plan = planNetwork({
    network: config,
    optimizer: 'adam',
    batchSize,
    trainingRows: rows,
    validationRows: 0,
  })
  const figures = [
    `median ${median.toPrecision(3)} s`,
    `best ${best.toPrecision(3)} s`,
    `first ${(seconds[0] ?? Number.NaN).toPrecision(3)} s`,
    `${(plan.flopsPerEpoch / median / 1e9).toFixed(1)} GFLOP/s`,
    `target ${workload.targetSeconds} s`,
    `observed +${(100 * cost).toFixed(1)} %`,
    `checkpoint ${timeCheckpoint(network, workload).toPrecision(2)} ms`,
  ]
  console.log(`${workload.name.padEnd(16)}${figures.join('   ')}`)
}

/** What taking a checkpoint holds training up, its hash for the store included: a job does so every ten seconds. */
function timeCheckpoint(network: Network, workload: Workload): number {
  const times: number[] = []
  let askedMs = 0
  const run = train(network, {
    ...makeOptions(workload),
    onBatch() {
      if (times.length === CHECKPOINTS_TIMED) return true
      askedMs = performance.now()
      return 'checkpoint'
    },
    onCheckpoint(bytes) {
      createHash('sha256').update(bytes).digest()
      times.push(performance.now() - askedMs)
    },
  })
  while (run.next().done !== true);
  return medianOf(times)
}

/** Seconds of each epoch. */
function timeEpochs(
  network: Network,
  workload: Workload,
  observes?: TrainingOptions['observes'],
): number[] {
  const options = makeOptions(workload)
  const run = train(network, { ...options, ...(observes === undefined ? {} : { observes }) })
  return Array.from(run, ({ durationMs }) => durationMs / 1000)
}

function makeOptions(workload: Workload): TrainingOptions {
  return {
    training: makeData(workload),
    validation: null,
    optimizer: {
      type: 'adam',
      learningRate: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      biasCorrection: true,
    },
    batchSize: workload.batchSize,
    epochs: workload.epochs,
    shuffle: true,
    seed: 1n,
    earlyStopping: null,
    regularization: workload.regularized ? { l2: 1e-4 } : null,
    team,
  }
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Noise around one centre per class, so that there is something to learn and nothing saturates. */
function makeData({ inputs, outputs, loss, rows }: Workload): TrainingData {
  const random = createRandom(7n, 'bench')
  const classes = loss === 'binary_cross_entropy' ? 2 : outputs
  const values = new Float32Array(rows * inputs)
  const targets = Float32Array.from({ length: rows }, (_, row) => row % classes)
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / inputs)
    const centre = ((i % inputs) * 7 + (row % classes) * 13) % 17 < 5 ? 0.6 : 0
    values[i] = centre + 0.8 * random.uniform(i) - 0.4
  }
  return { rows, inputs: values, targets }
}
