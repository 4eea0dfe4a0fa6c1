/** The engine itself: `node peer-trainyard.ts W1,infer`. */
import {
  createNetwork,
  ENGINE_VERSION,
  type LayerConfig,
  type NetworkConfig,
  type OptimizerConfig,
  resolveInitializer,
  type TrainingOptions,
  train,
} from '../../src/index.ts'
import {
  makeData,
  type Options,
  outputsOf,
  readOptions,
  report,
  reportInference,
  timed,
  type Workload,
  workloadOf,
} from './common.ts'

export function toNetworkConfig(workload: Workload): NetworkConfig {
  const { layers, act, batchNorm = false, dropout = 0 } = workload
  const initializer = resolveInitializer(act)
  const hidden = layers
    .slice(1, -1)
    .map((units): LayerConfig => ({ units, activation: act, initializer, batchNorm, dropout }))
  const output: LayerConfig = {
    units: outputsOf(workload),
    activation: 'linear',
    initializer: resolveInitializer('linear'),
  }
  const loss = output.units === 1 ? 'binary_cross_entropy' : 'cross_entropy'
  return { inputs: layers[0], layers: [...hidden, output], loss }
}

export function toTrainingOptions(
  workload: Workload,
  { x, y }: { x: Float32Array; y: Int32Array },
  epochs: number,
  learningRate = workload.lr,
): TrainingOptions {
  return {
    training: { rows: y.length, inputs: x, targets: Float32Array.from(y) },
    validation: null,
    optimizer: toOptimizer(workload.opt, learningRate),
    batchSize: workload.batch,
    epochs,
    shuffle: true,
    seed: 1n,
    earlyStopping: null,
    // The peers add l2 · w to the gradient, the engine 2 · l2 · w.
    regularization: workload.l2 === undefined ? null : { l2: workload.l2 / 2 },
  }
}

function toOptimizer(name: Workload['opt'], learningRate: number): OptimizerConfig {
  switch (name) {
    case 'sgd':
      return { type: 'sgd', learningRate }
    case 'momentum':
      return { type: 'momentum', learningRate, momentum: 0.9, nesterov: false }
    case 'adam': {
      const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, biasCorrection: true }
      return { type: 'adam', learningRate, ...moments }
    }
  }
}

async function measure(name: string, options: Options): Promise<void> {
  const workload = workloadOf(name)
  const [data, madeDataMs] = timed(() => makeData(workload, options.samples || workload.samples))
  const network = await createNetwork(toNetworkConfig(workload), { seed: 1n })
  let startMs: number | undefined
  let batches = 0
  const seconds: number[] = []
  const losses: number[] = []
  const onBatch = () => {
    // Asked before each batch, so the second time is after the first update.
    if (++batches === 2) startMs = performance.now() - madeDataMs
    return false
  }
  const training = { ...toTrainingOptions(workload, data, options.epochs + 1), onBatch }
  let startedMs = performance.now()
  for (const { trainLoss } of train(network, training)) {
    const endedMs = performance.now()
    seconds.push((endedMs - startedMs) / 1000)
    losses.push(trainLoss)
    startedMs = endedMs
  }
  report('trainyard', ENGINE_VERSION, name, options, seconds.slice(1), startMs ?? 0, losses)
}

async function infer({ threads }: Options): Promise<void> {
  const network = await createNetwork(toNetworkConfig(workloadOf('W5')), { seed: 1n })
  await reportInference('trainyard', ENGINE_VERSION, threads, (batch) => {
    const inputs = new Float32Array(batch * 784).map(Math.random)
    return () => network.predict(inputs, batch)
  })
}

if (import.meta.main) {
  const options = readOptions()
  for (const name of options.workloads) {
    await (name === 'infer' ? infer(options) : measure(name, options))
  }
}
