/** synaptic: an update per sample (no batches), plain gradient descent only. */
import { createRequire } from 'node:module'
import {
  makeData,
  outputsOf,
  readOptions,
  shuffled,
  timed,
  trainTimed,
  workloadOf,
} from './common.ts'

const require = createRequire(import.meta.url)
const { Architect, Neuron } = require('synaptic')
const { version } = require('synaptic/package.json')

const options = readOptions()
for (const name of options.workloads) {
  const workload = workloadOf(name)
  const samples = options.samples || workload.samples
  const [width] = workload.layers
  const classes = outputsOf(workload)
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))
  const inputs = Array.from({ length: samples }, (_, i) =>
    Array.from(x.subarray(i * width, (i + 1) * width)),
  )
  const outputs = Array.from(y, (label) =>
    Array.from({ length: classes }, (_, j) => (classes === 1 ? label : Number(j === label))),
  )
  const network = new Architect.Perceptron(...workload.layers)
  const squash = workload.act === 'tanh' ? Neuron.squash.TANH : Neuron.squash.RELU
  for (const layer of network.layers.hidden) layer.set({ squash })
  await trainTimed('synaptic', version, name, options, madeDataMs, (firstStepDone) => {
    for (const row of shuffled(samples)) {
      network.activate(inputs[row])
      // Without batches the rate of a batch diverges.
      network.propagate(workload.lr / 10, outputs[row])
      firstStepDone()
    }
  })
}
