/**
 * Seconds per epoch of four networks on synthetic data: `node packages/engine/bench/epochs.ts [threads] [network]`.
 * Measures `train` as a caller does, shuffling and metrics included. The first epochs are dropped,
 * because V8 runs them in its baseline tier.
 */
import { cpus } from 'node:os'
import {
  compileKernels,
  createNetwork,
  type LossName,
  planNetwork,
  resolveInitializer,
  type TrainingData,
  train,
} from '../src/index.ts'
import { createRandom } from '../src/random.ts'
import { openTeam } from '../test/open-team.ts'

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
    epochs: 2000,
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
  const { inputs, hidden, outputs, activation, loss, batchSize, rows, epochs } = workload
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
  const seconds: number[] = []
  const run = train(network, {
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
    batchSize,
    epochs,
    shuffle: true,
    seed: 1n,
    earlyStopping: null,
    regularization: regularized ? { l2: 1e-4 } : null,
    team,
  })
  for (const { durationMs } of run) seconds.push(durationMs / 1000)

  const steady = seconds.slice(Math.floor(epochs / 3)).sort((a, b) => a - b)
  const median = steady[Math.floor(steady.length / 2)] ?? Number.NaN
  const best = steady[0] ?? Number.NaN
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
  ]
  console.log(`${workload.name.padEnd(16)}${figures.join('   ')}`)
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
