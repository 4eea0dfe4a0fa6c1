/**
 * brain.js: one activation for all layers, mean squared error, an update per sample (no batches).
 * `--backend 1` takes version 1, which has no Adam; otherwise the beta of version 2.
 */
import { createRequire } from 'node:module'
import { makeData, outputsOf, readOptions, timed, trainTimed, workloadOf } from './common.ts'

const require = createRequire(import.meta.url)
const options = readOptions()
const isFirst = options.backend === '1'
const name = isFirst ? 'brain.js-1' : 'brain.js'
const { NeuralNetwork } = require(name)
const { version } = require(`${name}/package.json`)

for (const workloadName of options.workloads) {
  const workload = workloadOf(workloadName)
  const samples = options.samples || workload.samples
  const [inputs] = workload.layers
  const outputs = outputsOf(workload)
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))
  const list = (values) => (isFirst ? Array.from(values) : values)
  const rows = Array.from({ length: samples }, (_, i) => ({
    input: list(x.slice(i * inputs, (i + 1) * inputs)),
    output: list(
      Float32Array.from({ length: outputs }, (_, j) => (outputs === 1 ? y[i] : Number(j === y[i]))),
    ),
  }))
  const network = new NeuralNetwork({
    hiddenLayers: workload.layers.slice(1, -1),
    activation: workload.act === 'tanh' ? 'tanh' : 'leaky-relu',
  })
  const training = {
    learningRate: workload.lr,
    errorThresh: 1e-9,
    log: false,
    iterations: 1,
    ...(workload.opt === 'adam' && !isFirst
      ? { praxis: 'adam' }
      : // It refuses a momentum of zero.
        { momentum: workload.opt === 'momentum' ? 0.9 : 0.1 }),
  }
  await trainTimed('brain.js', version, workloadName, options, madeDataMs, (firstStepDone) => {
    const { error } = network.train(rows, training)
    firstStepDone()
    return error
  })
}
