import {
  DATATYPES,
  type Datatype,
  fromBytes,
  fromJson,
  InferenceError,
  quote,
  type TensorData,
} from './datatypes.ts'

export type InferenceParameters = Readonly<Record<string, string | number | boolean>>

export interface InferenceTensor {
  name: string
  datatype: Datatype
  shape: readonly number[]
  /** Row-major. */
  data: TensorData
}

export interface RequestedOutput {
  name: string
  parameters: InferenceParameters
}

export interface InferenceRequest {
  id: string | null
  parameters: InferenceParameters
  inputs: readonly InferenceTensor[]
  /** Null: all outputs are wanted. */
  outputs: readonly RequestedOutput[] | null
}

const REQUEST_FIELDS = ['id', 'parameters', 'inputs', 'outputs']
const INPUT_FIELDS = ['name', 'shape', 'datatype', 'parameters', 'data']
const OUTPUT_FIELDS = ['name', 'parameters']
const TENSORS_MAX = 64
const DIMENSIONS_MAX = 8

/**
 * Reads the body of an inference request: a JSON document and, where its length is given (the header
 * `Inference-Header-Content-Length`), raw tensors behind it in the order of the inputs that have a
 * `binary_data_size`. Throws InferenceError with what is wrong first.
 */
export function parseInferenceRequest(
  body: Uint8Array,
  jsonBytes: number | null,
): InferenceRequest {
  const length = jsonBytes ?? body.byteLength
  if (length > body.byteLength) {
    throw new InferenceError(
      `Inference-Header-Content-Length is ${length}, but the body has ${body.byteLength} bytes`,
    )
  }
  const document = parseJson(body.subarray(0, length))
  assertFields(document, REQUEST_FIELDS, 'the request')
  const { id, inputs, outputs } = document
  if (id !== undefined && typeof id !== 'string') throw new InferenceError('id must be a string')
  const raw = new RawTensors(body.subarray(length))
  const request: InferenceRequest = {
    id: id ?? null,
    parameters: readParameters(document.parameters, 'the request'),
    inputs: readList(inputs, 'inputs').map((input) => readInput(input, raw)),
    outputs: outputs === undefined ? null : readList(outputs, 'outputs').map(readOutput),
  }
  raw.assertUsedUp()
  assertDistinct(request.inputs, 'inputs')
  assertDistinct(request.outputs ?? [], 'outputs')
  return request
}

/** Bytes behind the JSON document, taken from the front. */
class RawTensors {
  #rest: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#rest = bytes
  }

  take(bytes: number, name: string): Uint8Array {
    if (bytes > this.#rest.byteLength) {
      throw new InferenceError(
        `input ${quote(name)}: binary_data_size is ${bytes}, but ${this.#rest.byteLength} bytes are left`,
      )
    }
    const taken = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(bytes)
    return taken
  }

  assertUsedUp(): void {
    const { byteLength } = this.#rest
    if (byteLength === 0) return
    throw new InferenceError(`${byteLength} bytes behind the tensors belong to no input`)
  }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new InferenceError('the request is no JSON document in UTF-8')
  }
  if (!isObject(document)) throw new InferenceError('the request must be a JSON object')
  return document
}

function readInput(input: unknown, raw: RawTensors): InferenceTensor {
  const name = readName(input, INPUT_FIELDS, 'an input')
  const { shape, datatype, data, parameters: given } = input as Record<string, unknown>
  const place = `input ${quote(name)}`
  const parameters = readParameters(given, place)
  if (!DATATYPES.includes(datatype as Datatype)) {
    throw new InferenceError(`${place}: datatype must be one of ${DATATYPES.join(', ')}`)
  }
  const dimensions = readShape(shape, place)
  const count = dimensions.reduce((product, dimension) => product * dimension, 1)
  const { binary_data_size: size } = parameters
  return {
    name,
    datatype: datatype as Datatype,
    shape: dimensions,
    data:
      size === undefined
        ? fromJson(datatype as Datatype, readData(data, count, place), name)
        : readRaw(size, data, raw, { name, datatype: datatype as Datatype, count }),
  }
}

function readRaw(
  size: unknown,
  data: unknown,
  raw: RawTensors,
  { name, datatype, count }: { name: string; datatype: Datatype; count: number },
): TensorData {
  if (!Number.isInteger(size) || (size as number) < 0) {
    throw new InferenceError(`input ${quote(name)}: binary_data_size must be a whole number`)
  }
  if (data !== undefined) {
    throw new InferenceError(`input ${quote(name)}: data and binary_data_size exclude each other`)
  }
  return fromBytes(datatype, raw.take(size as number, name), count, name)
}

function readData(data: unknown, count: number, place: string): unknown[] {
  if (!Array.isArray(data)) throw new InferenceError(`${place}: data must be an array`)
  // Nested arrays say the same as a flat one: the shape rules.
  const flat = data.some(Array.isArray) ? data.flat(DIMENSIONS_MAX) : data
  if (flat.length !== count) {
    throw new InferenceError(`${place}: data has ${flat.length} elements, its shape ${count}`)
  }
  return flat
}

function readShape(shape: unknown, place: string): number[] {
  const isShape =
    Array.isArray(shape) &&
    shape.length <= DIMENSIONS_MAX &&
    shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0)
  if (isShape) return shape
  throw new InferenceError(
    `${place}: shape must be an array of at most ${DIMENSIONS_MAX} whole numbers`,
  )
}

function readOutput(output: unknown): RequestedOutput {
  const name = readName(output, OUTPUT_FIELDS, 'an output')
  const { parameters } = output as Record<string, unknown>
  return { name, parameters: readParameters(parameters, `output ${quote(name)}`) }
}

function readName(value: unknown, fields: readonly string[], what: string): string {
  if (!isObject(value)) throw new InferenceError(`${what} must be a JSON object`)
  assertFields(value, fields, what)
  if (typeof value.name !== 'string') throw new InferenceError(`${what} must have a name`)
  return value.name
}

function readParameters(parameters: unknown, place: string): InferenceParameters {
  if (parameters === undefined) return {}
  const isFit =
    isObject(parameters) &&
    Object.values(parameters).every((value) =>
      ['string', 'number', 'boolean'].includes(typeof value),
    )
  if (isFit) return parameters as InferenceParameters
  throw new InferenceError(
    `${place}: parameters must be an object of strings, numbers and truth values`,
  )
}

function readList(list: unknown, name: string): unknown[] {
  const isFit = Array.isArray(list) && list.length > 0 && list.length <= TENSORS_MAX
  if (isFit) return list
  throw new InferenceError(`${name} must be an array of 1 to ${TENSORS_MAX} tensors`)
}

function assertFields(value: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(value).find((field) => !known.includes(field))
  if (unknown === undefined) return
  throw new InferenceError(`${what} has the unknown field ${quote(unknown)}`)
}

function assertDistinct(tensors: readonly { name: string }[], what: string): void {
  const names = new Set<string>()
  for (const { name } of tensors) {
    if (names.has(name)) throw new InferenceError(`${what} hold ${quote(name)} twice`)
    names.add(name)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
