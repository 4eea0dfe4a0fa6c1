/** ConvNetJS: loops over single samples in double precision; gradients are summed over the batch. */
import convnet from 'convnetjs'
import {
  makeData,
  outputsOf,
  readOptions,
  shuffled,
  timed,
  trainTimed,
  workloadOf,
} from './common.ts'

// Its package.json says 0.0.0.
const VERSION = '0.3.0'

const options = readOptions()
for (const name of options.workloads) {
  const workload = workloadOf(name)
  const samples = options.samples || workload.samples
  const [inputs] = workload.layers
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))
  const network = new convnet.Net()
  network.makeLayers([
    { type: 'input', out_sx: 1, out_sy: 1, out_depth: inputs },
    ...workload.layers
      .slice(1, -1)
      .map((units) => ({ type: 'fc', num_neurons: units, activation: workload.act })),
    { type: 'softmax', num_classes: Math.max(2, outputsOf(workload)) },
  ])
  const trainer = new convnet.Trainer(network, {
    method: workload.opt === 'adam' ? 'adam' : 'sgd',
    learning_rate: workload.lr,
    momentum: workload.opt === 'momentum' ? 0.9 : 0,
    batch_size: workload.batch,
    beta1: 0.9,
    beta2: 0.999,
    l2_decay: 0,
  })
  const rows = Array.from(
    { length: samples },
    (_, i) => new convnet.Vol(Array.from(x.subarray(i * inputs, (i + 1) * inputs))),
  )
  let trained = 0
  await trainTimed('convnetjs', VERSION, name, options, madeDataMs, (firstStepDone) => {
    let loss = 0
    for (const row of shuffled(samples)) {
      loss += trainer.train(rows[row], y[row]).cost_loss
      if (++trained === workload.batch) firstStepDone()
    }
    return loss
  })
}
