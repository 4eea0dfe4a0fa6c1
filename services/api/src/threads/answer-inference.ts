/**
 * The tensors that a model takes and gives in the Open Inference Protocol. Where all features are numbers they are one matrix,
 * `features`, in data-set order, NaN for a missing value. Else each column is a tensor of its own name, [rows] or [rows, 1]: text for
 * a category or a date, "" where it is missing.
 */
import type { Cell, ModelSignature } from '@trainyard/contracts'
import { encodeMatrix, encodeRecords } from '@trainyard/datasets'
import {
  type Datatype,
  InferenceError,
  type InferenceParameters,
  type InferenceRequest,
  type InferenceResponse,
  type InferenceTensor,
  parseInferenceRequest,
  renderInferenceResponse,
  type TensorData,
} from '@trainyard/formats'
import type { EncodableRows, PredictionOutput, Predictor, Scores } from '@trainyard/model'
import type { LoadedModel } from './predictor-cache.ts'

export interface TensorDescription {
  name: string
  datatype: Datatype
  shape: number[]
}

export interface InferenceTask {
  model: LoadedModel
  name: string
  version: number
  signature: ModelSignature
  body: Uint8Array
  /** Length of the JSON document where raw tensors follow it, else null. */
  jsonBytes: number | null
  /** More rows than these are refused. */
  rowsMax: number
}

const FEATURES = 'features'
const ANY = -1

export function describeInputs({ inputs }: ModelSignature): TensorDescription[] {
  if (isMatrix({ inputs })) {
    return [{ name: FEATURES, datatype: 'FP32', shape: [ANY, inputs.length] }]
  }
  return inputs.map(({ name, type }) => ({ name, datatype: datatypeOf(type), shape: [ANY, 1] }))
}

export function describeOutputs(
  possible: readonly PredictionOutput[],
  { output: { classes } }: ModelSignature,
  logits: number,
): TensorDescription[] {
  const outputs: TensorDescription[] = []
  if (possible.includes('label')) {
    outputs.push({ name: 'label', datatype: 'BYTES', shape: [ANY] })
    outputs.push({ name: 'class_id', datatype: 'INT64', shape: [ANY] })
  }
  if (possible.includes('probabilities')) {
    outputs.push({ name: 'probabilities', datatype: 'FP32', shape: [ANY, classes?.length ?? 0] })
  }
  if (possible.includes('value')) outputs.push({ name: 'value', datatype: 'FP64', shape: [ANY] })
  if (possible.includes('logits')) {
    outputs.push({ name: 'logits', datatype: 'FP32', shape: [ANY, logits] })
  }
  return outputs
}

export type InferenceAnswer = InferenceResponse & { rows: number }

/** Throws InferenceError for what is not as the model's description says, DataError for values that it has no input for. */
export function answerInference(predictor: Predictor, task: InferenceTask): InferenceAnswer {
  const request = parseInferenceRequest(task.body, task.jsonBytes)
  const { signature, name, version } = task
  const rows = rowsOf(request, task)
  const scores = predictor.score(toRows(request, signature, rows))
  const possible = toTensors(scores, signature)
  const wanted = request.outputs ?? possible.map((output) => ({ ...output, parameters: {} }))
  const outputs = wanted.map(({ name, parameters }) => {
    const output = possible.find((tensor) => tensor.name === name)
    if (output === undefined) throw unknownOutput(name, possible)
    return classify(output, parameters, signature)
  })
  const answer = { model_name: name, model_version: String(version), outputs }
  return { rows, ...renderInferenceResponse(request, answer) }
}

/** How many rows a request has, as far as its first tensor says. */
function rowsOf({ inputs }: InferenceRequest, { rowsMax }: InferenceTask): number {
  const rows = inputs[0]?.shape[0] ?? 0
  if (rows >= 1 && rows <= rowsMax) return rows
  throw new InferenceError(`a request has 1 to ${rowsMax} rows for this model, not ${rows}`)
}

function toRows(request: InferenceRequest, signature: ModelSignature, rows: number): EncodableRows {
  const tensors = new Map(request.inputs.map((tensor) => [tensor.name, tensor]))
  const described = describeInputs(signature)
  const unknown = request.inputs.find(({ name }) => !described.some((input) => input.name === name))
  if (unknown !== undefined) throw unknownInput(unknown.name, described)
  const given = described.map((description) => {
    const tensor = tensors.get(description.name)
    if (tensor === undefined) throw new InferenceError(`the input "${description.name}" is missing`)
    assertFits(tensor, description, rows)
    return tensor
  })
  const [matrix] = given
  if (isMatrix(signature) && matrix !== undefined) {
    const values = toNumbers(matrix.data)
    return { rows, encode: (preprocessing) => encodeMatrix(preprocessing, values, rows) }
  }
  const cells = Array.from({ length: rows }, (_, row) => given.map(({ data }) => toCell(data[row])))
  return { rows, encode: (preprocessing) => encodeRecords(preprocessing, { rows: cells }) }
}

function isMatrix({ inputs }: Pick<ModelSignature, 'inputs'>): boolean {
  return inputs.every(({ type }) => type === 'number' || type === 'boolean')
}

function datatypeOf(type: ModelSignature['inputs'][number]['type']): Datatype {
  if (type === 'number') return 'FP64'
  return type === 'boolean' ? 'BOOL' : 'BYTES'
}

/** Numbers may come as any datatype of numbers: clients send what their arrays are of. */
function assertFits(tensor: InferenceTensor, description: TensorDescription, rows: number): void {
  const { name, datatype, shape } = tensor
  const isText = (type: Datatype) => type === 'BYTES'
  if (isText(datatype) !== isText(description.datatype)) {
    throw new InferenceError(
      `input "${name}": datatype is ${datatype}, not ${description.datatype}`,
    )
  }
  const [, width = 1] = description.shape
  const isFit =
    shape[0] === rows &&
    (shape.length === 1 ? width === 1 : shape[1] === width && shape.length === 2)
  if (isFit) return
  const wanted = `[${rows}, ${width}]`
  throw new InferenceError(`input "${name}": shape is [${shape.join(', ')}], not ${wanted}`)
}

function toNumbers(data: TensorData): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from(data, Number)
  }
  return data as ArrayLike<number>
}

function toCell(element: number | bigint | string | undefined): Cell {
  if (typeof element === 'string') return element === '' ? null : element
  const number = Number(element)
  return Number.isNaN(number) ? null : number
}

function toTensors(scores: Scores, { output: { classes } }: ModelSignature): InferenceTensor[] {
  const { rows, logits, probabilities, classIndices, values } = scores
  const matrix = (name: string, data: Float32Array): InferenceTensor => ({
    ...{ name, datatype: 'FP32', shape: [rows, data.length / rows], data },
  })
  const tensors: InferenceTensor[] = []
  if (classIndices !== null) {
    const labels = Array.from(classIndices, (index) => classes?.[index] ?? '')
    const ids = BigInt64Array.from(classIndices, BigInt)
    tensors.push({ name: 'label', datatype: 'BYTES', shape: [rows], data: labels })
    tensors.push({ name: 'class_id', datatype: 'INT64', shape: [rows], data: ids })
  }
  if (probabilities !== null) tensors.push(matrix('probabilities', probabilities))
  if (values !== null)
    tensors.push({ name: 'value', datatype: 'FP64', shape: [rows], data: values })
  if (logits !== null) tensors.push(matrix('logits', logits))
  return tensors
}

/**
 * The classification extension: the best n of each row as `value:index:label`.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 */
function classify(
  tensor: InferenceTensor,
  { classification: count }: InferenceParameters,
  { output: { classes } }: ModelSignature,
): InferenceTensor {
  if (count === undefined) return tensor
  const { name, data, shape } = tensor
  const [rows = 0, width = 0] = shape
  if (classes === null || width !== classes.length) {
    throw new InferenceError(`output "${name}" has no score for each class to rank them by`)
  }
  if (!Number.isInteger(count) || (count as number) < 1) {
    throw new InferenceError(
      `output "${name}": classification must be a whole number of at least 1`,
    )
  }
  const kept = Math.min(count as number, width)
  const texts: string[] = []
  for (let row = 0; row < rows; row++) {
    const scores = (data as Float32Array).subarray(row * width, (row + 1) * width)
    const ranked = Array.from(scores, (_, k) => k).sort(
      (a, b) => (scores[b] as number) - (scores[a] as number),
    )
    for (const k of ranked.slice(0, kept)) texts.push(`${scores[k]}:${k}:${classes[k]}`)
  }
  return { name, datatype: 'BYTES', shape: [rows, kept], data: texts }
}

function unknownInput(name: string, described: readonly TensorDescription[]): InferenceError {
  return new InferenceError(`there is no input "${name}"; the model takes ${namesOf(described)}`)
}

function unknownOutput(name: string, possible: readonly InferenceTensor[]): InferenceError {
  return new InferenceError(`there is no output "${name}"; the model has ${namesOf(possible)}`)
}

function namesOf(tensors: readonly { name: string }[]): string {
  const shown = tensors.slice(0, 10).map(({ name }) => `"${name}"`)
  return shown.join(', ') + (tensors.length > shown.length ? ', …' : '')
}
