/**
 * ONNX with the preprocessing inside (opset 17, IR 8): raw values in, labels and probabilities out. Inputs are one matrix
 * where all columns are numbers, else one tensor [batch, 1] a column. https://onnx.ai/onnx/intro/concepts.html
 */
import {
  type ModelFile,
  type PreprocessedNetwork,
  repeatable,
  type ServedModel,
  UnsupportedExportError,
} from '../exported-model.ts'
import { describeNetworks } from '../safetensors.ts'
import { canRefuse, encodeInputs, inputTypeOf, type RawInputs } from './encode-inputs.ts'
import { createGraphBuilder, type GraphBuilder, ML_DOMAIN, type Value } from './graph-builder.ts'
import { addNetwork } from './network-nodes.ts'
import { intField, type Message, message, messageField, textField } from './protobuf.ts'

export interface OnnxOptions {
  /** Left out: a matrix where all columns are numbers. */
  inputs?: 'named' | 'matrix' | undefined
  /** Weights of the layers take up the batch normalization after them. */
  fold_batch_norm?: boolean | undefined
}

const IR_VERSION = 8
const OPSET = 17
const ML_OPSET = 3

/** Throws UnsupportedExportError for a matrix of what are not all numbers. */
export function writeOnnx(model: ServedModel, options: OnnxOptions = {}): ModelFile {
  const graph = createGraphBuilder()
  const [first] = model.networks
  if (first === undefined) throw new Error('a model has at least one network')
  const raw = addInputs(graph, first, options.inputs)
  const answers = model.networks.map((network, member) => {
    const inputs = encodeInputs(graph, network.preprocessing, raw)
    const logits = addNetwork(graph, network, inputs, {
      prefix: model.networks.length === 1 ? '' : `members.${member}.`,
      foldBatchNorm: options.fold_batch_norm ?? false,
    })
    return { network, logits: spreadRefusals(graph, network, inputs, logits) }
  })
  if (first.architecture.classes === null) addValue(graph, answers)
  else addLabel(graph, first.architecture.classes, answers)
  const file = toModel(model, graph.build('trainyard'))
  return {
    mediaType: 'application/octet-stream',
    extension: '.onnx',
    chunks: repeatable(() => file.chunks[Symbol.iterator]()),
  }
}

interface Answer {
  network: PreprocessedNetwork
  logits: Value
}

function addInputs(
  graph: GraphBuilder,
  { preprocessing: { columns } }: PreprocessedNetwork,
  wanted: OnnxOptions['inputs'],
): RawInputs {
  const text = columns.find((column) => column.kind !== 'numeric')
  if (wanted === 'matrix' && text !== undefined) {
    throw new UnsupportedExportError(
      `"${text.column}" is no number, so the inputs cannot be one matrix; leave inputs out or take named.`,
    )
  }
  if (wanted === 'matrix' || (wanted === undefined && text === undefined)) {
    return { matrix: graph.input('features', 'double', columns.length) }
  }
  const named = columns.map((column) => {
    const input = graph.input(column.column, inputTypeOf(column), 1)
    return [column.column, input] as const
  })
  return { named: new Map(named) }
}

/** An input of NaN that came of a refused value makes every logit of its row NaN, whatever the layers do to it. */
function spreadRefusals(
  graph: GraphBuilder,
  { preprocessing }: PreprocessedNetwork,
  inputs: Value,
  logits: Value,
): Value {
  if (!preprocessing.columns.some(canRefuse)) return logits
  const zero = graph.constant({ type: 'float', shape: [], data: [0] })
  const axes = graph.constant({ type: 'int64', shape: [1], data: [1] })
  const refusal = graph.node('ReduceSum', [graph.node('Mul', [inputs, zero]), axes])
  return graph.node('Add', [logits, refusal])
}

/** Regression: `value` [batch], in the unit of the target. */
function addValue(graph: GraphBuilder, answers: readonly Answer[]): void {
  const number = (data: number) => graph.constant({ type: 'double', shape: [], data: [data] })
  const values = answers.map(({ network, logits }) => {
    const output = graph.node('Cast', [logits], { to: 11 })
    const { target } = network.preprocessing
    if (target === null) return output
    const scaled = graph.node('Mul', [output, number(target.scale)])
    return graph.node('Add', [scaled, number(target.center)])
  })
  graph.output('value', toVector(graph, mean(graph, values)), 'double', null)
}

/** Classification: `label` [batch] and `probabilities` [batch, classes]; scores have `logits` in their place. */
function addLabel(
  graph: GraphBuilder,
  classes: readonly string[],
  answers: readonly Answer[],
): void {
  const [first, ...others] = answers
  if (first === undefined) throw new Error('a model has at least one network')
  const { output_activation: activation, outputs } = first.network.architecture
  if (activation === 'step' || activation === 'linear') {
    const best = outputs === 1 ? isPositive(graph, first.logits) : largest(graph, first.logits)
    graph.output('label', nameOf(graph, classes, best, first.logits), 'string', null)
    graph.output('logits', first.logits, 'float', outputs)
    return
  }
  const shares = mean(
    graph,
    answers.map((answer) => probabilitiesOf(graph, answer)),
  )
  const label = nameOf(graph, classes, largest(graph, shares), shares)
  graph.output('label', label, 'string', null)
  graph.output('probabilities', shares, 'float', classes.length)
  if (others.length === 0) graph.output('logits', first.logits, 'float', outputs)
}

function probabilitiesOf(graph: GraphBuilder, { network, logits }: Answer): Value {
  if (network.architecture.output_activation === 'softmax') {
    return graph.node('Softmax', [logits], { axis: -1 })
  }
  const second = graph.node('Sigmoid', [logits])
  const one = graph.constant({ type: 'float', shape: [], data: [1] })
  return graph.node('Concat', [graph.node('Sub', [one, second]), second], { axis: 1 })
}

/** The index of the largest value of each row [batch], of equal ones the first. */
function largest(graph: GraphBuilder, values: Value): Value {
  return graph.node('ArgMax', [values], { axis: 1, keepdims: 0 })
}

function isPositive(graph: GraphBuilder, score: Value): Value {
  const zero = graph.constant({ type: 'float', shape: [], data: [0] })
  const positive = graph.node('GreaterOrEqual', [score, zero])
  return toVector(graph, graph.node('Cast', [positive], { to: 7 }))
}

/** The class of each index; no class, an empty text, where the row was refused. */
function nameOf(
  graph: GraphBuilder,
  classes: readonly string[],
  index: Value,
  values: Value,
): Value {
  const names = graph.constant({
    type: 'string',
    shape: [classes.length + 1],
    data: [...classes, ''],
  })
  const column = graph.constant({ type: 'int64', shape: [], data: [0] })
  const isRefused = graph.node('IsNaN', [graph.node('Gather', [values, column], { axis: 1 })])
  const none = graph.constant({ type: 'int64', shape: [], data: [classes.length] })
  return graph.node('Gather', [names, graph.node('Where', [isRefused, none, index])])
}

function mean(graph: GraphBuilder, values: readonly Value[]): Value {
  const [only, ...others] = values
  if (only !== undefined && others.length === 0) return only
  return graph.node('Mean', values)
}

function toVector(graph: GraphBuilder, value: Value): Value {
  const shape = graph.constant({ type: 'int64', shape: [1], data: [-1] })
  return graph.node('Reshape', [value, shape])
}

function toModel(model: ServedModel, graph: Message): Message {
  const opset = (domain: string, version: number) =>
    messageField(8, message([textField(1, domain), intField(2, version)]))
  const facts = { ...describeNetworks(model, 'trainyard'), vectors: JSON.stringify(model.vectors) }
  return message([
    intField(1, IR_VERSION),
    textField(2, 'trainyard'),
    messageField(7, graph),
    opset('', OPSET),
    opset(ML_DOMAIN, ML_OPSET),
    ...Object.entries(facts).map(([key, value]) =>
      messageField(14, message([textField(1, key), textField(2, value)])),
    ),
  ])
}
