/**
 * What each operation of augmentation adds to an epoch, in nanoseconds per input on one thread, on images of
 * 28 × 28: `node packages/engine/bench/augmentation.ts`. The network is a single unit, so that little else is measured.
 */
import { createNetwork, type RowOperation, type TrainingOptions, train } from '../src/index.ts'
import { createRandom } from '../src/random.ts'

const ROWS = 10_000
const IMAGE = { height: 28, width: 28, channels: 1 }
const INPUTS = 784
const EPOCHS = 4
const OPERATIONS: RowOperation[] = [
  { type: 'gaussian_noise', std: 0.1 },
  { type: 'feature_drop', rate: 0.1 },
  { type: 'shift', pixels: 2 },
  { type: 'flip', axis: 'horizontal' },
  { type: 'rotate', degrees: 15 },
  { type: 'crop', pixels: 4 },
]

const random = createRandom(1n, 'bench')
const inputs = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => random.uniform(i))
const targets = Float32Array.from({ length: ROWS }, (_, row) => row % 2)

const plainMs = await timeEpoch([])
for (const operation of OPERATIONS) {
  const nanoseconds = (1e6 * ((await timeEpoch([operation])) - plainMs)) / (ROWS * INPUTS)
  console.log(`${operation.type.padEnd(16)} ${nanoseconds.toFixed(1)} ns`)
}

/** The fastest of some epochs. */
async function timeEpoch(operations: RowOperation[]): Promise<number> {
  const layers = [
    { units: 1, activation: 'linear' as const, initializer: { type: 'zeros' as const } },
  ]
  const network = await createNetwork({ inputs: INPUTS, layers, loss: 'mse' }, { seed: 1n })
  const options: TrainingOptions = {
    training: { rows: ROWS, inputs, targets },
    validation: null,
    optimizer: { type: 'sgd', learningRate: 1e-6 },
    augmentation: { operations, image: IMAGE, mixup: null },
    batchSize: 128,
    epochs: EPOCHS,
    shuffle: true,
    seed: 1n,
    earlyStopping: null,
  }
  const times = Array.from(train(network, options), ({ durationMs }) => durationMs)
  network.dispose()
  return Math.min(...times)
}
