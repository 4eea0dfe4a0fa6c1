/**
 * Reads the weights of an ONNX file: of ours by their names and metadata, of others by following one chain of dense layers
 * from the input to the output. What is no chain of known operators is refused by name.
 */
import { InvalidFileError, type TensorFile } from '../model-tensors.ts'
import { type Field, ProtobufError, readFields } from './protobuf.ts'

/** What a chain turned out to be; the caller's architecture has to agree. */
export interface FoundNetwork {
  activations: string[]
  output: 'softmax' | 'sigmoid' | 'linear'
}

interface Node {
  type: string
  inputs: string[]
  outputs: string[]
  attributes: ReadonlyMap<string, Field[]>
}

interface Tensor {
  shape: number[]
  data: Float32Array
}

const FLOAT = 1n
const ACTIVATIONS: Record<string, string> = {
  Relu: 'relu',
  LeakyRelu: 'leaky_relu',
  Elu: 'elu',
  Selu: 'selu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Softplus: 'softplus',
  Softsign: 'softsign',
}
const WITHOUT_EFFECT = new Set(['Identity', 'Dropout', 'Flatten'])
const BATCH_NORM_EPSILON = 1e-5
const decoder = new TextDecoder()

/** Throws InvalidFileError. `found` is null for a file of ours, whose metadata says the architecture. */
export function readOnnx(bytes: Uint8Array): TensorFile & { found: FoundNetwork | null } {
  try {
    const model = readFields(bytes)
    const graph = fieldsOf(messageOf(model, 7, 'graph'))
    const metadata = Object.fromEntries(
      all(model, 14).map((entry) => [textOf(fieldsOf(entry), 1), textOf(fieldsOf(entry), 2)]),
    )
    const tensors = new Map(all(graph, 5).flatMap((entry) => readTensor(fieldsOf(entry))))
    if (metadata.format?.startsWith('trainyard')) {
      const named = [...tensors].filter(([name]) => /(^|\.)(layers|norms)\.\d+\./.test(name))
      return { tensors: new Map(named), metadata, found: null }
    }
    const nodes = all(graph, 1).map((entry) => readNode(fieldsOf(entry)))
    return { ...followChain(nodes, graph, tensors), metadata: {} }
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    throw new InvalidFileError(`The file is no ONNX model: ${error.message}`)
  }
}

function followChain(
  nodes: readonly Node[],
  graph: readonly Field[],
  constants: ReadonlyMap<string, Tensor>,
) {
  const inputs = all(graph, 11)
    .map((entry) => textOf(fieldsOf(entry), 1))
    .filter((name) => !constants.has(name))
  const outputs = all(graph, 12).map((entry) => textOf(fieldsOf(entry), 1))
  let [value] = inputs
  if (value === undefined || inputs.length !== 1 || outputs.length !== 1) {
    throw new InvalidFileError(
      `The graph has ${inputs.length} inputs and ${outputs.length} outputs; one of each makes a chain`,
    )
  }
  const tensors = new Map<string, Tensor>()
  const activations: string[] = []
  let layer = -1
  let isActivated = true
  let output: FoundNetwork['output'] = 'linear'
  let left = nodes.length
  while (value !== outputs[0]) {
    const next = nodes.filter((node) => node.inputs.includes(value as string))
    const [node] = next
    if (node === undefined || next.length > 1 || left === 0) {
      throw new InvalidFileError(`"${value}" goes into ${next.length} operators; a chain has one`)
    }
    left -= 1
    const { type } = node
    const parameter = (i: number): Tensor => {
      const name = node.inputs[i] ?? ''
      const tensor = constants.get(name)
      if (tensor === undefined)
        throw new InvalidFileError(`${type} takes "${name}", which is no constant`)
      return tensor
    }
    if (type === 'Gemm' || type === 'MatMul') {
      if (layer >= 0 && !isActivated) activations[layer] = 'linear'
      layer += 1
      isActivated = false
      addDense(tensors, layer, node, parameter)
    } else if (type === 'Add' && tensors.has(`layers.${layer}.weight`)) {
      const at = node.inputs[0] === value ? 1 : 0
      const bias = parameter(at).data
      const units = tensors.get(`layers.${layer}.weight`)?.shape[0] ?? 0
      if (isActivated || bias.length !== units) {
        throw new InvalidFileError(`Add of ${bias.length} numbers is no bias of ${units} units`)
      }
      tensors.set(`layers.${layer}.bias`, { shape: [units], data: bias })
    } else if (type === 'BatchNormalization' && layer >= 0 && !isActivated) {
      addNorm(tensors, layer, node, parameter)
    } else if (ACTIVATIONS[type] !== undefined && layer >= 0 && !isActivated) {
      const isLast = node.outputs[0] === outputs[0]
      if (isLast && type === 'Sigmoid') output = 'sigmoid'
      else activations[layer] = ACTIVATIONS[type]
      isActivated = true
    } else if (type === 'Softmax' && node.outputs[0] === outputs[0]) output = 'softmax'
    else if (!WITHOUT_EFFECT.has(type)) {
      throw new InvalidFileError(`The operator ${type} is none of a chain of dense layers`)
    }
    value = node.outputs[0]
  }
  if (layer < 0) throw new InvalidFileError('The graph has no dense layer')
  return { tensors, found: { activations, output } }
}

function addDense(
  tensors: Map<string, Tensor>,
  layer: number,
  { type, attributes, inputs }: Node,
  parameter: (i: number) => Tensor,
): void {
  const { shape, data } = parameter(1)
  if (shape.length !== 2)
    throw new InvalidFileError(`${type} has weights of ${shape.length} dimensions`)
  const number = (name: string, otherwise: number) => floatOf(attributes.get(name)) ?? otherwise
  if (
    number('alpha', 1) !== 1 ||
    number('beta', 1) !== 1 ||
    intOf(attributes.get('transA')) === 1n
  ) {
    throw new InvalidFileError(`${type} with alpha, beta or transA is no dense layer`)
  }
  const isTransposed = intOf(attributes.get('transB')) === 1n
  const [rows = 0, columns = 0] = shape
  const [units, width] = isTransposed ? [rows, columns] : [columns, rows]
  const weight = isTransposed
    ? data
    : Float32Array.from({ length: data.length }, (_, at) => {
        const unit = Math.floor(at / width)
        return data[(at - unit * width) * units + unit] ?? 0
      })
  const bias = type === 'Gemm' && inputs.length > 2 ? parameter(2).data : new Float32Array(units)
  tensors.set(`layers.${layer}.weight`, { shape: [units, width], data: weight })
  tensors.set(`layers.${layer}.bias`, { shape: [bias.length], data: bias })
}

function addNorm(
  tensors: Map<string, Tensor>,
  layer: number,
  { attributes }: Node,
  parameter: (i: number) => Tensor,
): void {
  const epsilon = floatOf(attributes.get('epsilon')) ?? BATCH_NORM_EPSILON
  if (Math.abs(epsilon - BATCH_NORM_EPSILON) > 1e-9) {
    throw new InvalidFileError(
      `BatchNormalization has the epsilon ${epsilon}; ${BATCH_NORM_EPSILON} is taken`,
    )
  }
  for (const [i, name] of ['weight', 'bias', 'running_mean', 'running_var'].entries()) {
    tensors.set(`norms.${layer}.${name}`, parameter(i + 1))
  }
}

function readNode(fields: readonly Field[]): Node {
  const texts = (number: number) => all(fields, number).map((value) => decoder.decode(value))
  return {
    type: textOf(fields, 4),
    inputs: texts(1),
    outputs: texts(2),
    attributes: new Map(
      all(fields, 5).map((entry) => [textOf(fieldsOf(entry), 1), fieldsOf(entry)]),
    ),
  }
}

/** Nothing for a tensor of another element type: it is no weight. */
function readTensor(fields: readonly Field[]): [string, Tensor][] {
  const name = textOf(fields, 8)
  if (fields.find(({ number }) => number === 2)?.value !== FLOAT) return []
  const shape = fields.flatMap(({ number, value }) =>
    number !== 1 ? [] : typeof value === 'bigint' ? Number(value) : readPacked(value),
  )
  const size = shape.reduce((a, b) => a * b, 1)
  const raw = all(fields, 9)[0] ?? concat(all(fields, 4))
  if (raw.length !== size * 4) {
    throw new InvalidFileError(
      `The tensor "${name}" of shape [${shape.join(', ')}] has ${raw.length} bytes, not ${size * 4}`,
    )
  }
  return [[name, { shape, data: new Float32Array(new Uint8Array(raw).buffer) }]]
}

function readPacked(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  let value = 0
  let factor = 1
  for (const byte of bytes) {
    value += (byte & 0x7f) * factor
    factor *= 128
    if (byte >= 0x80) continue
    numbers.push(value)
    value = 0
    factor = 1
  }
  return numbers
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

function all(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) =>
    field.number === number && field.value instanceof Uint8Array ? [field.value] : [],
  )
}

function fieldsOf(bytes: Uint8Array): Field[] {
  return readFields(bytes)
}

function messageOf(fields: readonly Field[], number: number, name: string): Uint8Array {
  const [value] = all(fields, number)
  if (value === undefined)
    throw new InvalidFileError(`The file is no ONNX model: it has no ${name}`)
  return value
}

function textOf(fields: readonly Field[], number: number): string {
  const [value] = all(fields, number)
  return value === undefined ? '' : decoder.decode(value)
}

function intOf(attribute: readonly Field[] | undefined): bigint | null {
  const value = attribute?.find(({ number }) => number === 3)?.value
  return typeof value === 'bigint' ? value : null
}

function floatOf(attribute: readonly Field[] | undefined): number | null {
  const value = attribute?.find(({ number }) => number === 2)?.value
  if (!(value instanceof Uint8Array)) return null
  return new DataView(value.buffer, value.byteOffset, 4).getFloat32(0, true)
}
