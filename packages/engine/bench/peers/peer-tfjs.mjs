/** TensorFlow.js, layers API: `--backend cpu` or `wasm`. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import {
  makeData,
  outputsOf,
  readOptions,
  report,
  reportInference,
  timed,
  workloadOf,
} from './common.ts'

const require = createRequire(import.meta.url)
const options = readOptions()
const backend = options.backend || 'wasm'
const tf = require('@tensorflow/tfjs')
if (backend === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm')
  wasm.setThreadsCount(options.threads)
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
}
await tf.setBackend(backend)
await tf.ready()
const peer = `tfjs-${backend}`
const version = tf.version.tfjs

for (const name of options.workloads) {
  await (name === 'infer' ? infer() : measure(name))
}
// The backend keeps the process alive.
process.exit(0)

function build({ layers, act, batchNorm, dropout, l2 }) {
  const network = tf.sequential()
  const outputs = layers.at(-1)
  // Its penalty is l2 · ΣW², so its gradient twice that of the peers with weight decay.
  const penalty = l2 ? { kernelRegularizer: tf.regularizers.l2({ l2: l2 / 2 }) } : {}
  for (const [i, units] of layers.slice(1).entries()) {
    const isHidden = i < layers.length - 2
    const hiddenActivation = batchNorm ? 'linear' : act
    const activation = isHidden ? hiddenActivation : outputs === 1 ? 'sigmoid' : 'softmax'
    const shape = i === 0 ? { inputShape: [layers[0]] } : {}
    network.add(tf.layers.dense({ units, activation, ...shape, ...penalty }))
    if (isHidden && batchNorm) {
      network.add(tf.layers.batchNormalization())
      network.add(tf.layers.activation({ activation: act }))
    }
    if (isHidden && dropout) network.add(tf.layers.dropout({ rate: dropout }))
  }
  return network
}

async function measure(name) {
  const workload = workloadOf(name)
  const samples = options.samples || workload.samples
  const outputs = outputsOf(workload)
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))
  const inputs = tf.tensor2d(x, [samples, workload.layers[0]])
  const targets =
    outputs === 1
      ? tf.tensor2d(Float32Array.from(y), [samples, 1])
      : tf.oneHot(tf.tensor1d(y, 'int32'), outputs).toFloat()
  const network = build(workload)
  const optimizer = {
    sgd: () => tf.train.sgd(workload.lr),
    momentum: () => tf.train.momentum(workload.lr, 0.9),
    adam: () => tf.train.adam(workload.lr),
  }[workload.opt]()
  const loss = outputs === 1 ? 'binaryCrossentropy' : 'categoricalCrossentropy'
  network.compile({ optimizer, loss })
  const seconds = []
  const losses = []
  let startMs
  let startedMs
  await network.fit(inputs, targets, {
    batchSize: workload.batch,
    epochs: options.epochs + 1,
    shuffle: true,
    verbose: 0,
    yieldEvery: 'never',
    callbacks: {
      onEpochBegin: () => {
        startedMs = performance.now()
      },
      onBatchEnd: () => {
        startMs ??= performance.now() - madeDataMs
      },
      onEpochEnd: (_epoch, logs) => {
        seconds.push((performance.now() - startedMs) / 1000)
        losses.push(logs.loss)
      },
    },
  })
  report(peer, version, name, options, seconds.slice(1), startMs, losses)
}

async function infer() {
  const network = build(workloadOf('W5'))
  await reportInference(peer, version, options.threads, (batch) => {
    const inputs = tf.randomUniform([batch, 784])
    return () => tf.tidy(() => network.predict(inputs).dataSync())
  })
}
