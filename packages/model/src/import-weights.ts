import type {
  Architecture,
  FieldError,
  ImportModelBody,
  LayerDocument,
  Preprocessing,
} from '@trainyard/contracts'
import type { LayerWeights } from '@trainyard/engine/inference'
import { importArchitecture } from './import-architecture.ts'
import { layerShapes, packLayers } from './layer-bytes.ts'

export interface ImportedWeights {
  architecture: Architecture
  preprocessing: Preprocessing | null
  parameterCount: number
  /** As `packLayers` writes them. */
  bytes: Uint8Array<ArrayBuffer>
}

export type ImportOutcome =
  | { kind: 'imported'; weights: ImportedWeights }
  | { kind: 'refused'; errors: FieldError[] }

/** More faults than this help nobody. */
const FAULTS_MAX = 100
const FLOAT32_MAX = 3.4028234663852886e38

const BATCH_NORM_FIELDS = ['gamma', 'beta', 'running_mean', 'running_var'] as const

/**
 * From a `trainyard/1` document to the weights as they are stored, or every fault of it with its place: a shape that is
 * not the architecture's, a number that float32 has not, batch normalization where there is none. Computes as long as
 * the document is large; not for an event loop.
 */
export function importWeights(body: ImportModelBody): ImportOutcome {
  const { architecture, errors } = importArchitecture(body)
  const { layers } = body.weights
  if (architecture === null) return { kind: 'refused', errors }
  const shapes = layerShapes(architecture)
  if (layers.length !== shapes.length) {
    const detail = `must hold ${shapes.length} layers, the output layer last, got ${layers.length}`
    errors.push({ pointer: '#/weights/layers', detail })
  } else {
    for (const [i, layer] of layers.entries()) {
      errors.push(...findLayerFaults(layer, shapes[i] as Shape, `#/weights/layers/${i}`))
      if (errors.length >= FAULTS_MAX) break
    }
  }
  if (errors.length > 0) return { kind: 'refused', errors: errors.slice(0, FAULTS_MAX) }
  const parameterCount = shapes.reduce(
    (sum, { inputs, units, batchNorm }) => sum + (inputs + (batchNorm ? 3 : 1)) * units,
    0,
  )
  const bytes = packLayers(layers.map(toLayerWeights))
  const preprocessing = body.weights.preprocessing ?? null
  return { kind: 'imported', weights: { architecture, preprocessing, parameterCount, bytes } }
}

type Shape = ReturnType<typeof layerShapes>[number]

function findLayerFaults(
  layer: LayerDocument,
  { inputs, units, batchNorm }: Shape,
  pointer: string,
): FieldError[] {
  const { weight, bias } = layer
  const errors: FieldError[] = []
  if (weight.length !== units) {
    const detail = `must have a row for each of ${units} units ([out][in]), got ${weight.length}`
    errors.push({ pointer: `${pointer}/weight`, detail })
  }
  for (const [row, values] of weight.entries()) {
    errors.push(...findVectorFaults(values, inputs, `${pointer}/weight/${row}`))
    if (errors.length >= FAULTS_MAX) return errors
  }
  errors.push(...findVectorFaults(bias, units, `${pointer}/bias`))
  for (const name of BATCH_NORM_FIELDS) {
    const values = layer[name]
    const at = `${pointer}/${name}`
    if (batchNorm && values === undefined) {
      errors.push({ pointer: at, detail: 'is required: the layer has batch normalization' })
    } else if (!batchNorm && values !== undefined) {
      errors.push({ pointer: at, detail: 'the layer has no batch normalization' })
    } else if (values !== undefined) {
      errors.push(...findVectorFaults(values, units, at))
    }
  }
  const negative = layer.running_var?.findIndex((variance) => variance < 0) ?? -1
  if (negative >= 0) {
    const detail = `a variance must be at least 0, got ${layer.running_var?.[negative]}`
    errors.push({ pointer: `${pointer}/running_var/${negative}`, detail })
  }
  return errors
}

function findVectorFaults(
  values: readonly number[],
  length: number,
  pointer: string,
): FieldError[] {
  if (values.length !== length) {
    return [{ pointer, detail: `must hold ${length} numbers, got ${values.length}` }]
  }
  const large = values.findIndex((value) => Math.abs(value) > FLOAT32_MAX)
  if (large < 0) return []
  const detail = `must be at most ${FLOAT32_MAX} as a 32-bit number, got ${values[large]}`
  return [{ pointer: `${pointer}/${large}`, detail }]
}

function toLayerWeights(layer: LayerDocument): LayerWeights {
  const { weight, bias, gamma, beta, running_mean, running_var } = layer
  const width = weight[0]?.length ?? 0
  const flat = new Float32Array(weight.length * width)
  for (const [row, values] of weight.entries()) flat.set(values, row * width)
  return {
    weight: flat,
    bias: Float32Array.from(bias),
    ...(gamma && { gamma: Float32Array.from(gamma) }),
    ...(beta && { beta: Float32Array.from(beta) }),
    ...(running_mean && { runningMean: Float32Array.from(running_mean) }),
    ...(running_var && { runningVariance: Float32Array.from(running_var) }),
  }
}
