/** jax-js on its WebAssembly backend: one step compiled by `jit`. It has no W7. */
import { readFileSync } from 'node:fs'
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import {
  makeData,
  outputsOf,
  readOptions,
  shuffled,
  timed,
  trainTimed,
  workloadOf,
} from './common.ts'

const BETA1 = 0.9
const BETA2 = 0.999
const MOMENTUM = 0.9
const manifest = new URL('../package.json', import.meta.resolve('@jax-js/jax'))
const { version } = JSON.parse(readFileSync(manifest, 'utf8'))

await init('wasm')
defaultDevice('wasm')

/** Arrays are consumed by what uses them; `.ref` keeps one for another use. */
function makeStep({ layers, act, opt, lr }) {
  const depth = layers.length - 1
  const isBinary = layers.at(-1) === 1
  const lossOf = (params, x, y) => {
    let values = x
    for (let i = 0; i < depth; i++) {
      values = np.matmul(values, params.w[i]).add(params.b[i])
      if (i < depth - 1) values = act === 'tanh' ? np.tanh(values) : nn.relu(values)
    }
    if (isBinary) return nn.softplus(values.ref).sub(values.mul(y)).mean()
    return nn.logSoftmax(values).mul(y).sum(-1).mean().neg()
  }
  const gradientsOf = valueAndGrad(lossOf)
  /** Applies `update`, which returns a list, to each parameter with its state; gives one tree per item of the list. */
  const mapParams = (update, ...trees) => {
    const weights = trees[0].w.map((_, i) => update(...trees.map((tree) => tree.w[i])))
    const biases = trees[0].b.map((_, i) => update(...trees.map((tree) => tree.b[i])))
    return weights[0].map((_, k) => ({ w: weights.map((p) => p[k]), b: biases.map((p) => p[k]) }))
  }
  return jit((params, first, second, correction1, correction2, x, y) => {
    const kept = { w: params.w.map((a) => a.ref), b: params.b.map((a) => a.ref) }
    const [loss, gradients] = gradientsOf(kept, x, y)
    if (opt !== 'adam') {
      correction1.dispose()
      correction2.dispose()
    }
    if (opt === 'sgd') {
      const [next] = mapParams((p, g) => [p.sub(g.mul(lr))], params, gradients)
      return [next, first, second, loss]
    }
    if (opt === 'momentum') {
      const update = (p, g, v) => {
        const velocity = v.mul(MOMENTUM).add(g)
        return [p.sub(velocity.ref.mul(lr)), velocity]
      }
      const [next, velocity] = mapParams(update, params, gradients, first)
      return [next, velocity, second, loss]
    }
    const update = (p, g, m, v) => {
      const mean = m.mul(BETA1).add(g.ref.mul(1 - BETA1))
      const square = v.mul(BETA2).add(g.ref.mul(g).mul(1 - BETA2))
      const root = np.sqrt(square.ref.mul(correction2.ref)).add(1e-8)
      return [p.sub(mean.ref.mul(correction1.ref).mul(lr).div(root)), mean, square]
    }
    const [next, mean, square] = mapParams(update, params, gradients, first, second)
    correction1.dispose()
    correction2.dispose()
    return [next, mean, square, loss]
  })
}

const options = readOptions()
for (const name of options.workloads) {
  const workload = workloadOf(name)
  const { layers, opt, batch } = workload
  const samples = options.samples || workload.samples
  const [inputs] = layers
  const outputs = outputsOf(workload)
  const [{ x, y }, madeDataMs] = timed(() => makeData(workload, samples))
  const zeros = () => ({
    w: layers.slice(1).map((units, i) => np.zeros([layers[i], units])),
    b: layers.slice(1).map((units) => np.zeros([units])),
  })
  const draw = (rows, columns) => {
    const scale = 1 / Math.sqrt(rows)
    const values = Float32Array.from(
      { length: rows * columns },
      () => (2 * Math.random() - 1) * scale,
    )
    return np.array(values).reshape([rows, columns])
  }
  let params = { ...zeros(), w: layers.slice(1).map((units, i) => draw(layers[i], units)) }
  let first = opt === 'sgd' ? np.zeros([1]) : zeros()
  let second = opt === 'adam' ? zeros() : np.zeros([1])
  let steps = 0
  const step = makeStep(workload)
  await trainTimed('jax-js', version, name, options, madeDataMs, (firstStepDone) => {
    const order = shuffled(samples)
    let sum = 0
    for (let at = 0; at < samples; at += batch) {
      const size = Math.min(batch, samples - at)
      const batchInputs = new Float32Array(size * inputs)
      const batchTargets = new Float32Array(size * outputs)
      for (let i = 0; i < size; i++) {
        const row = order[at + i]
        batchInputs.set(x.subarray(row * inputs, (row + 1) * inputs), i * inputs)
        if (outputs === 1) batchTargets[i] = y[row]
        else batchTargets[i * outputs + y[row]] = 1
      }
      steps++
      let loss
      ;[params, first, second, loss] = step(
        params,
        first,
        second,
        np.array(1 / (1 - BETA1 ** steps)),
        np.array(1 / (1 - BETA2 ** steps)),
        np.array(batchInputs).reshape([size, inputs]),
        np.array(batchTargets).reshape([size, outputs]),
      )
      sum += loss.item()
      firstStepDone()
    }
    return sum
  })
}
// The backend keeps the process alive.
process.exit(0)
