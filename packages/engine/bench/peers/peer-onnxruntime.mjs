/** ONNX Runtime: `infer` alone, as it does not train in Node. */
import { createRequire } from 'node:module'
import { readOptions, reportInference, workloadOf } from './common.ts'

const require = createRequire(import.meta.url)
const runtime = require('onnxruntime-node')
const { onnx } = require('onnx-proto')
const { version } = require('onnxruntime-node/package.json')

const FLOAT32 = 1
const { threads } = readOptions()
const { layers } = workloadOf('W5')

const session = await runtime.InferenceSession.create(
  onnx.ModelProto.encode(onnx.ModelProto.fromObject(toModel())).finish(),
  { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' },
)
await reportInference('onnxruntime', version, threads, (batch) => {
  const values = new Float32Array(batch * layers[0]).map(Math.random)
  const x = new runtime.Tensor('float32', values, [batch, layers[0]])
  return () => session.run({ x })
})

function toModel() {
  const nodes = []
  const initializers = []
  for (const [i, units] of layers.slice(1).entries()) {
    const isLast = i === layers.length - 2
    initializers.push(weight(`w${i}`, [layers[i], units]), weight(`b${i}`, [units]))
    const input = i === 0 ? 'x' : `h${i - 1}`
    nodes.push({
      opType: 'Gemm',
      input: [input, `w${i}`, `b${i}`],
      output: [isLast ? 'y' : `z${i}`],
    })
    if (!isLast) nodes.push({ opType: 'Relu', input: [`z${i}`], output: [`h${i}`] })
  }
  const graph = {
    name: 'network',
    node: nodes,
    input: [port('x', layers[0])],
    output: [port('y', layers.at(-1))],
    initializer: initializers,
  }
  return { irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph }
}

function port(name, width) {
  const shape = { dim: [{ dimParam: 'rows' }, { dimValue: width }] }
  return { name, type: { tensorType: { elemType: FLOAT32, shape } } }
}

function weight(name, dims) {
  const values = Float32Array.from(
    { length: dims.reduce((a, b) => a * b) },
    () => Math.random() - 0.5,
  )
  return { name, dims, dataType: FLOAT32, rawData: new Uint8Array(values.buffer) }
}
