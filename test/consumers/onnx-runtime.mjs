/** Feeds records to ONNX files as a program of somebody else would: `node onnx-runtime.mjs <package> <folder>`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , runtime, folder] = process.argv
const ort = await import(runtime)
// One thread: the point is numbers, not speed.
if (ort.env?.wasm) ort.env.wasm.numThreads = 1

const records = JSON.parse(readFileSync(join(folder, 'records.json'), 'utf8'))
const { rows, signature } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))
const answers = {}
for (const file of ['model.onnx', 'named.onnx', 'folded.onnx']) {
  const session = await ort.InferenceSession.create(readFileSync(join(folder, file)))
  const outputs = await session.run(toFeeds(session))
  const { label, probabilities, logits, value } = outputs
  answers[file] = {
    labels: label ? [...label.data] : null,
    probabilities: probabilities ? toRows(probabilities) : null,
    logits: logits ? toRows(logits) : null,
    values: value ? [...value.data] : null,
  }
}
// The runtimes keep threads that would outlive the answer.
process.stdout.write(JSON.stringify(answers), () => process.exit(0))

function toFeeds(session) {
  const { inputs } = signature
  if (session.inputNames.includes('features') && !inputs.some(({ name }) => name === 'features')) {
    const data = Float64Array.from(
      records.flatMap((record) => inputs.map(({ name, type }) => toNumber(record[name], type))),
    )
    return { features: new ort.Tensor('float64', data, [rows, inputs.length]) }
  }
  return Object.fromEntries(
    inputs.map(({ name, type }) => {
      const cells = records.map((record) => record[name])
      const tensor =
        type === 'category'
          ? new ort.Tensor(
              'string',
              cells.map((cell) => cell ?? ''),
              [rows, 1],
            )
          : new ort.Tensor(
              'float64',
              Float64Array.from(cells, (cell) => toNumber(cell, type)),
              [rows, 1],
            )
      return [name, tensor]
    }),
  )
}

/** NaN is a missing value; a date is milliseconds since 1970, its own time taken as UTC. */
function toNumber(cell, type) {
  if (cell === null) return Number.NaN
  return type === 'date' ? Date.parse(`${cell}Z`) : Number(cell)
}

function toRows({ data, dims: [, width] }) {
  return Array.from({ length: rows }, (_, row) =>
    Array.from(data.slice(row * width, (row + 1) * width)),
  )
}
