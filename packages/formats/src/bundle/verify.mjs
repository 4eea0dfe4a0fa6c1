// Checks this folder with nothing but Node: every file is the one that was written (SHA256SUMS), and model.mjs answers the
// records of vectors.json as the server did. Usage: node verify.mjs
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ERROR_MAX = 1e-5
const read = (name) => readFileSync(new URL(name, import.meta.url))
const faults = []

for (const line of read('SHA256SUMS').toString().trim().split('\n')) {
  const [sum, name] = line.split('  ')
  const found = createHash('sha256').update(read(name)).digest('hex')
  if (found !== sum) faults.push(`${name} is not the file that was written`)
}

const { predict } = await import(new URL('model.mjs', import.meta.url))
const vectors = JSON.parse(read('vectors.json').toString())
for (const [i, { record, prediction }] of vectors.entries()) {
  const answer = predict(record)
  const scores = prediction.logits ?? []
  const isSame =
    answer.label === prediction.label &&
    isClose([answer.value ?? 0], [prediction.value ?? 0]) &&
    isClose(answer.logits ?? [], scores) &&
    isClose(
      Object.values(answer.probabilities ?? {}),
      Object.values(prediction.probabilities ?? {}),
    )
  if (!isSame) faults.push(`record ${i + 1} is answered ${JSON.stringify(answer)}`)
}

for (const fault of faults) console.error(fault)
console.log(
  faults.length === 0
    ? `verified: ${vectors.length} records answered as by the server`
    : 'not verified',
)
process.exitCode = faults.length === 0 ? 0 : 1

function isClose(found, wanted) {
  const scale = Math.max(1e-3, ...wanted.map(Math.abs))
  return (
    found.length === wanted.length &&
    found.every((value, i) => Math.abs(value - wanted[i]) <= ERROR_MAX * scale)
  )
}
