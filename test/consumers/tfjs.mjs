/** Loads the layers model and predicts encoded rows: `node tfjs.mjs <folder>`. Null where there is no such file. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { unzip } from './unzip.mjs'

const [, , folder] = process.argv
const path = join(folder, 'model-tfjs.zip')
const { rows, members } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))
const answers = { 'model-tfjs.zip': existsSync(path) ? await predict() : null }
process.stdout.write(JSON.stringify(answers))

async function predict() {
  await tf.setBackend('cpu')
  const files = unzip(readFileSync(path))
  const { modelTopology, weightsManifest } = JSON.parse(files.get('model.json').toString())
  const model = await tf.loadLayersModel({
    load: async () => ({
      modelTopology,
      weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
      weightData: Uint8Array.from(files.get('weights.bin')).buffer,
    }),
  })
  const inputs = members.map(({ architecture }, i) => {
    const bytes = Uint8Array.from(readFileSync(join(folder, `encoded.${i}.f32`)))
    return tf.tensor2d(new Float32Array(bytes.buffer), [rows, architecture.inputs])
  })
  const outputs = await model.predict(inputs.length === 1 ? inputs[0] : inputs).array()
  const { classes, output_activation: activation } = members[0].architecture
  if (classes === null) return toAnswers({ values: outputs.map(([value]) => value) })
  if (activation === 'linear') {
    return toAnswers({ labels: outputs.map((row) => classes[largest(row)]), logits: outputs })
  }
  const probabilities = activation === 'sigmoid' ? outputs.map(([p]) => [1 - p, p]) : outputs
  return toAnswers({ labels: probabilities.map((row) => classes[largest(row)]), probabilities })
}

function toAnswers(some) {
  return { labels: null, probabilities: null, logits: null, values: null, ...some }
}

function largest(row) {
  return row.indexOf(Math.max(...row))
}
