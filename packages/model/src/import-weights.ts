import type {
  Architecture,
  FieldError,
  ImportModelBody,
  LayerDocument,
  Preprocessing,
} from '@trainyard/contracts'
import { importArchitecture } from './import-architecture.ts'
import { layerShapes, packLayers } from './layer-bytes.ts'
import { findLayerFaults, toLayerWeights } from './layer-documents.ts'

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

/**
 * From a `trainyard/1` document to the weights as they are stored, or every fault of it with its place: a shape that is
 * not the architecture's, a number that float32 has not, batch normalization where there is none. Computes as long as
 * the document is large; not for an event loop.
 */
export function importWeights(body: ImportModelBody): ImportOutcome {
  const { architecture, errors } = importArchitecture(body)
  const { layers } = body.weights
  if (architecture === null) return { kind: 'refused', errors }
  errors.push(...findLayerFaults(layers, architecture, '#/weights/layers'))
  for (const [i, layer] of layers.entries()) {
    errors.push(...findLargeValues(layer, `#/weights/layers/${i}`))
  }
  if (errors.length > 0) return { kind: 'refused', errors: errors.slice(0, FAULTS_MAX) }
  const parameterCount = layerShapes(architecture).reduce(
    (sum, { inputs, units, batchNorm }) => sum + (inputs + (batchNorm ? 3 : 1)) * units,
    0,
  )
  const bytes = packLayers(layers.map(toLayerWeights))
  const preprocessing = body.weights.preprocessing ?? null
  return { kind: 'imported', weights: { architecture, preprocessing, parameterCount, bytes } }
}

/** The first number of each tensor that is infinite as float32. */
function findLargeValues(layer: LayerDocument, pointer: string): FieldError[] {
  const { weight, ...vectors } = layer
  const rows = weight.map((row, i) => [`weight/${i}`, row] as const)
  return [...rows, ...Object.entries(vectors)].flatMap(([name, values = []]) => {
    const large = values.findIndex((value) => Math.abs(value) > FLOAT32_MAX)
    if (large < 0) return []
    const detail = `must be at most ${FLOAT32_MAX} as a 32-bit number, got ${values[large]}`
    return [{ pointer: `${pointer}/${name}/${large}`, detail }]
  })
}
