/** js-pytorch on its CPU path, where tensors are nested arrays. It has no tanh and no momentum: W6 runs with Adam. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { makeData, readOptions, shuffled, timed, trainTimed, workloadOf } from './common.ts'

const require = createRequire(import.meta.url)
const { torch } = require('js-pytorch')
// It exports no package.json.
const manifest = new URL('./node_modules/js-pytorch/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
const { nn, optim } = torch

const options = readOptions()
for (const name of options.workloads) {
  const workload = workloadOf(name)
  const samples = options.samples || workload.samples
  const widths = workload.layers
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))

  class Network extends nn.Module {
    constructor() {
      super()
      for (const [i, units] of widths.slice(1).entries()) {
        // Its parameters are found among the properties.
        this[`layer${i}`] = new nn.Linear(widths[i], units, 'cpu', true)
      }
      this.relu = new nn.ReLU()
    }
    forward(inputs) {
      let values = inputs
      for (let i = 0; i < widths.length - 1; i++) {
        values = this[`layer${i}`].forward(values)
        if (i < widths.length - 2) values = this.relu.forward(values)
      }
      return values
    }
  }

  const network = new Network()
  const crossEntropy = new nn.CrossEntropyLoss()
  const adam = new optim.Adam(network.parameters(), workload.lr, 0)
  await trainTimed('js-pytorch', version, name, options, madeDataMs, (firstStepDone) => {
    const order = shuffled(samples)
    let sum = 0
    for (let at = 0; at < samples; at += workload.batch) {
      const rows = [...order.subarray(at, at + workload.batch)]
      const inputs = rows.map((r) => Array.from(x.subarray(r * widths[0], (r + 1) * widths[0])))
      const scores = network.forward(torch.tensor(inputs))
      const loss = crossEntropy.forward(scores, torch.tensor(rows.map((row) => y[row])))
      loss.backward()
      adam.step()
      adam.zero_grad()
      sum += Number(loss.data?.[0] ?? loss.data)
      firstStepDone()
    }
    return sum
  })
}
// Its GPU library keeps the process alive.
process.exit(0)
