/** One ES module without dependencies, preprocessing and weights included, for browsers and every JavaScript runtime. */
import { readFileSync } from 'node:fs'
import type { ColumnTransform } from '@trainyard/contracts'
import {
  type ExportedNetwork,
  type ModelFile,
  type PreprocessedNetwork,
  repeatable,
  type ServedModel,
} from '../exported-model.ts'
import { bytesOf } from '../safetensors.ts'
import { toTensors } from '../to-tensors.ts'

const RUNTIME = new URL('./runtime.mjs', import.meta.url)
const RUNTIME_EXPORT = '\nexport { createModel }\n'

export function writeModule(model: ServedModel): ModelFile {
  const { record, prediction } = typesOf(model)
  const runtime = readFileSync(RUNTIME, 'utf8').replace(RUNTIME_EXPORT, '')
  const networks = model.networks.map(({ architecture, preprocessing }) => ({
    architecture,
    preprocessing,
  }))
  return {
    mediaType: 'text/javascript; charset=utf-8',
    extension: '.mjs',
    chunks: repeatable(function* () {
      yield `// A model made by Trainyard. ${comment(JSON.stringify(model.facts))}\n`
      yield `/** @typedef {${comment(record)}} ModelRecord */\n`
      yield `/** @typedef {${comment(prediction)}} ModelPrediction */\n\n`
      yield `const networks = ${JSON.stringify(networks)}\n\nconst weights = [\n`
      for (const network of model.networks) {
        yield "  '"
        yield* base64(network)
        yield "',\n"
      }
      yield `]\n\n${runtime}\n`
      yield `${PREDICT_DOC}export const predict = createModel({ networks }, weights)\n`
    }),
  }
}

const PREDICT_DOC = `/**
 * What the model says of a record, or of each of a list. Throws RangeError for a value that it refuses.
 * @type {{ (record: ModelRecord): ModelPrediction; (records: readonly ModelRecord[]): ModelPrediction[] }}
 */
`

/** The types of the module, for \`model.d.mts\` beside it. */
export function moduleTypes(model: ServedModel): string {
  const { record, prediction } = typesOf(model)
  return `export type ModelRecord = ${record}
export type ModelPrediction = ${prediction}

/** What the model says of a record, or of each of a list. Throws RangeError for a value that it refuses. */
export declare const predict: {
  (record: ModelRecord): ModelPrediction
  (records: readonly ModelRecord[]): ModelPrediction[]
}
`
}

function typesOf({ networks }: ServedModel): { record: string; prediction: string } {
  const [first] = networks
  if (first === undefined) throw new Error('a model has at least one network')
  const { columns } = first.preprocessing
  const fields = columns.map(
    (column, i) =>
      `${JSON.stringify(column.column)}: ${cellType(column)}${isRequired(networks, i) ? '' : ' | null'}`,
  )
  return { record: `{ ${fields.join('; ')} }`, prediction: predictionType(first.architecture) }
}

function cellType(column: ColumnTransform): string {
  if (column.kind === 'numeric') return column.type
  return column.kind === 'date' ? 'string' : 'string | number | boolean'
}

function isRequired(networks: readonly PreprocessedNetwork[], i: number): boolean {
  return networks.some(({ preprocessing }) => {
    const column = preprocessing.columns[i]
    if (column === undefined) return false
    return 'missing_error' in column ? column.missing_error : column.missing === null
  })
}

function predictionType({ classes, output_activation }: ExportedNetwork['architecture']): string {
  if (classes === null) return '{ value: number }'
  const label = classes.map((name) => JSON.stringify(name)).join(' | ')
  const isScored = output_activation === 'linear' || output_activation === 'step'
  return isScored
    ? `{ label: ${label}; logits: number[] }`
    : `{ label: ${label}; probabilities: Record<${label}, number> }`
}

/** Text that ends no comment and is one line. */
function comment(text: string): string {
  return text.replaceAll('*/', '*\\/').replaceAll(/[\r\n\u2028\u2029]+/g, ' ')
}

/** All numbers in the order of the layers, in pieces of whole triples of bytes, so that they can be joined. */
function* base64(network: ExportedNetwork): Generator<string> {
  let rest = Buffer.alloc(0)
  for (const { data } of toTensors([network])) {
    for (const piece of bytesOf(data)) {
      const bytes = Buffer.concat([rest, piece])
      const whole = bytes.length - (bytes.length % 3)
      yield bytes.toString('base64', 0, whole)
      rest = bytes.subarray(whole)
    }
  }
  yield rest.toString('base64')
}
