/** Imports the exported module, nothing else: `node module.mjs <folder>`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , folder] = process.argv
const { predict } = await import(pathToFileURL(join(folder, 'model.mjs')).href)
const records = JSON.parse(readFileSync(join(folder, 'records.json'), 'utf8'))
const answers = predict(records)
const has = (name) => answers[0][name] !== undefined
process.stdout.write(
  JSON.stringify({
    'model.mjs': {
      labels: has('label') ? answers.map(({ label }) => label) : null,
      probabilities: has('probabilities')
        ? answers.map(({ probabilities }) => Object.values(probabilities))
        : null,
      logits: has('logits') ? answers.map(({ logits }) => logits) : null,
      values: has('value') ? answers.map(({ value }) => value) : null,
    },
  }),
)
