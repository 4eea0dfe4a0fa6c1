/** Where a traced network comes from: what the caller wrote, or what a job has left. Every fault is found here, with its place. */
import {
  type Architecture,
  type FieldError,
  type ModelVersion,
  type Preprocessing,
  type ResolvedConfig,
  TRACE_PARAMETERS_MAX,
  type TraceJobBody,
  type TraceModelBody,
  type TraceNetworkBody,
} from '@trainyard/contracts'
import { encodeRecords } from '@trainyard/datasets'
import { DomainError, resolveTracedNetwork } from '@trainyard/domain'
import { findLayerFaults, type NetworkChoices } from '@trainyard/model'
import type { NetworkTask } from '../threads/trace-thread.ts'
import type { StoredModel } from './load-model.ts'
import { placeRecordFaults } from './place-record-faults.ts'

/** More faults than this help nobody. */
const FAULTS_MAX = 100
/** Classes that a fault names. */
const CLASSES_NAMED_MAX = 10

/** Throws `budget_exceeded` for a network whose trace would be too long. */
export function assertTraceable(parameterCount: number, pointer: string): void {
  if (parameterCount <= TRACE_PARAMETERS_MAX) return
  const detail = `has ${parameterCount} parameters; a trace shows at most ${TRACE_PARAMETERS_MAX}`
  throw new DomainError('budget_exceeded', {
    detail: `The network ${detail}.`,
    errors: [{ pointer, detail }],
  })
}

/** Throws `validation_error` with every fault. */
export function fromNetwork(body: TraceNetworkBody): NetworkTask {
  const { network: spec, sample } = body
  const { inputs, outputs, layers, seed = 0 } = spec
  const { network, errors } = resolveTracedNetwork(spec)
  assertTraceable(network.parameterCount, '#/network')
  const { hidden } = network.model
  if (layers !== undefined) {
    errors.push(...findLayerFaults(layers, { inputs, hidden, outputs }, '#/network/layers'))
  }
  if (sample.inputs.length !== inputs) {
    const detail = `must hold ${inputs} numbers, got ${sample.inputs.length}`
    errors.push({ pointer: '#/sample/inputs', detail })
  }
  if (sample.target !== undefined && spec.loss === undefined) {
    errors.push({ pointer: '#/network/loss', detail: 'is required for a target' })
  }
  const source = gradientSource(body, outputs, errors, (target) =>
    readTarget(target, network.training.loss, outputs, errors),
  )
  assertNoFaults(errors)
  return {
    network,
    weights: layers === undefined ? { seed } : { layers },
    sample: { inputs: sample.inputs, ...source },
    classes: null,
    learningRate: body.learning_rate ?? null,
  }
}

/**
 * A raw record through a stored model, with the loss of `network`. Throws `validation_error` for faults of the target and
 * DataError for those of the record.
 */
export function fromStored(
  body: TraceJobBody,
  network: NetworkChoices,
  model: Pick<StoredModel, 'architecture' | 'preprocessing' | 'bytes'>,
): NetworkTask {
  const { architecture, preprocessing, bytes } = model
  const errors: FieldError[] = []
  const source = gradientSource(body, architecture.outputs, errors, (target) => [
    readRawTarget(target, model, errors),
  ])
  assertNoFaults(errors)
  return {
    network,
    weights: { architecture, bytes },
    sample: { inputs: [...encodeRecord(preprocessing, body.sample.record)], ...source },
    classes: architecture.classes,
    learningRate: body.learning_rate ?? null,
  }
}

/** A registered model with the loss that goes with its output: imported weights come without one. */
export function fromModel(
  body: TraceModelBody,
  {
    architecture,
    preprocessing,
  }: Pick<ModelVersion, 'preprocessing'> & { architecture: Architecture },
  bytes: Uint8Array,
): NetworkTask {
  const { record, inputs } = body.sample
  const errors: FieldError[] = []
  if ((record === undefined) === (inputs === undefined)) {
    const detail = `give either this or inputs, ${record === undefined ? 'one of them' : 'not both'}`
    errors.push({ pointer: '#/sample/record', detail })
  } else if (record !== undefined && preprocessing === null) {
    const detail = 'the model has no preprocessing; give the inputs of the network'
    errors.push({ pointer: '#/sample/record', detail })
  } else if (inputs !== undefined && inputs.length !== architecture.inputs) {
    const detail = `must hold ${architecture.inputs} numbers, got ${inputs.length}`
    errors.push({ pointer: '#/sample/inputs', detail })
  }
  const source = gradientSource(body, architecture.outputs, errors, (target) => [
    readRawTarget(target, { architecture, preprocessing }, errors),
  ])
  assertNoFaults(errors)
  const encoded =
    record === undefined || preprocessing === null
      ? (inputs ?? [])
      : [...encodeRecord(preprocessing, record)]
  return {
    network: networkOf(architecture),
    weights: { architecture, bytes },
    sample: { inputs: encoded, ...source },
    classes: architecture.classes,
    learningRate: body.learning_rate ?? null,
  }
}

function networkOf(architecture: Architecture): NetworkChoices {
  const initializer = 'auto'
  const { inputs, hidden, outputs } = architecture
  return {
    model: {
      inputs,
      hidden: hidden.map((layer) => ({ ...layer, initializer, dropout: 0 })),
      input_dropout: 0,
      output: { units: outputs, initializer },
    },
    training: { loss: lossOf(architecture), label_smoothing: 0 },
  }
}

function lossOf({ output_activation, task }: Architecture): ResolvedConfig['training']['loss'] {
  switch (output_activation) {
    case 'softmax':
      return 'cross_entropy'
    case 'sigmoid':
      return 'binary_cross_entropy'
    case 'step':
      return 'perceptron'
    case 'linear':
      return task === 'regression' ? 'mse' : 'hinge'
  }
}

/** Exactly one of the two must be there. */
function gradientSource<Target>(
  body: { sample: { target?: Target | undefined } } & Pick<TraceNetworkBody, 'upstream_gradient'>,
  outputs: number,
  errors: FieldError[],
  toTarget: (target: Target) => number[],
): { target: number[] } | { upstreamGradient: number[] } {
  const { target } = body.sample
  const { upstream_gradient: upstream } = body
  if ((target === undefined) === (upstream === undefined)) {
    const detail = `give either this or upstream_gradient, ${target === undefined ? 'one of them' : 'not both'}`
    errors.push({ pointer: '#/sample/target', detail })
  }
  if (target !== undefined) return { target: toTarget(target) }
  const upstreamGradient = [upstream ?? []].flat()
  if (upstream !== undefined && upstreamGradient.length !== outputs) {
    const detail = `must hold ${outputs} numbers, one per output, got ${upstreamGradient.length}`
    errors.push({ pointer: '#/upstream_gradient', detail })
  }
  return { upstreamGradient }
}

function readTarget(
  target: number | number[],
  loss: ResolvedConfig['training']['loss'],
  outputs: number,
  errors: FieldError[],
): number[] {
  const values = [target].flat()
  const pointer = '#/sample/target'
  if (typeof loss === 'object' || loss === 'mse' || loss === 'mae') {
    if (values.length !== outputs) {
      const detail = `must hold ${outputs} numbers, one per output, got ${values.length}`
      errors.push({ pointer, detail })
    }
    return values
  }
  const classes = Math.max(2, outputs)
  const [label = -1] = values
  if (values.length !== 1 || !(Number.isInteger(label) && label >= 0 && label < classes)) {
    errors.push({ pointer, detail: `must be the index of a class, 0 to ${classes - 1}` })
  }
  return values
}

/** The index of a class by its name, or a number as the network was trained on it. */
function readRawTarget(
  target: string | number | boolean,
  {
    architecture: { classes },
    preprocessing,
  }: { architecture: Architecture; preprocessing: Preprocessing | null },
  errors: FieldError[],
): number {
  const pointer = '#/sample/target'
  if (classes !== null) {
    const index = classes.indexOf(String(target))
    if (index >= 0) return index
    const named = classes.slice(0, CLASSES_NAMED_MAX).map((name) => JSON.stringify(name))
    const more = classes.length > named.length ? ', …' : ''
    errors.push({ pointer, detail: `is none of the classes ${named.join(', ')}${more}` })
    return 0
  }
  if (typeof target !== 'number') {
    errors.push({ pointer, detail: 'must be a number: the model is a regression' })
    return 0
  }
  const { center, scale } = preprocessing?.target ?? { center: 0, scale: 1 }
  return (target - center) / scale
}

function encodeRecord(
  preprocessing: StoredModel['preprocessing'],
  record: TraceJobBody['sample']['record'],
): Float32Array {
  try {
    return encodeRecords(preprocessing, { records: [record] })
  } catch (error) {
    throw placeRecordFaults(error, '#/sample/record')
  }
}

function assertNoFaults(errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  throw new DomainError('validation_error', { errors: errors.slice(0, FAULTS_MAX) })
}
