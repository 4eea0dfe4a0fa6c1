import type {
  Architecture,
  ArchitectureInput,
  FieldError,
  ImportedNetworkDocument,
  ImportModelBody,
  LayerDocument,
} from '@trainyard/contracts'
import type { AnyLayerWeights } from '@trainyard/engine'
import { findEnsembleFaults, type StoredNetwork } from './ensemble.ts'
import { importArchitecture } from './import-architecture.ts'
import { layerShapes, packLayers } from './layer-bytes.ts'
import { findLayerFaults, toLayerWeights } from './layer-documents.ts'

export interface ImportedNetwork extends StoredNetwork {
  parameter_count: number
}

export interface ImportedWeights {
  /** Several make an ensemble. */
  networks: ImportedNetwork[]
  parameterCount: number
  /** As `packLayers` writes them, one network after the other. */
  bytes: Uint8Array<ArrayBuffer>
}

export type ImportOutcome =
  | { kind: 'imported'; weights: ImportedWeights }
  | { kind: 'refused'; errors: FieldError[] }

/** More faults than this help nobody. */
const FAULTS_MAX = 100
const FLOAT32_MAX = 3.4028234663852886e38

/**
 * From a `trainyard/1` document, or one of several, to the weights as they are stored, or every fault of it with its
 * place: a shape that is not the architecture's, a number that float32 has not, batch normalization where there is none.
 * Computes as long as the document is large; not for an event loop.
 */
export function importWeights({ weights, architecture }: ImportModelBody): ImportOutcome {
  if (weights.format === 'trainyard/1') {
    return joinNetworks([readDocument(weights, architecture, '#/weights')], '#/weights')
  }
  const outcomes = weights.members.map((member, i) =>
    readDocument(member, undefined, `#/weights/members/${i}`),
  )
  if (architecture !== undefined) {
    const detail = 'the members of an ensemble have each their own'
    outcomes.push({ network: null, layers: [], errors: [{ pointer: '#/architecture', detail }] })
  }
  return joinNetworks(outcomes, '#/weights/members')
}

/** A network that was read, or why it was not. */
export interface ReadNetwork {
  network: StoredNetwork | null
  layers: readonly AnyLayerWeights[]
  errors: FieldError[]
}

/** Networks that were read as what is stored; `pointer` is the place of their list. */
export function joinNetworks(outcomes: readonly ReadNetwork[], pointer: string): ImportOutcome {
  const networks = outcomes.flatMap(({ network }) => network ?? [])
  const errors = outcomes.flatMap((outcome) => outcome.errors)
  if (errors.length === 0) {
    const faults = findEnsembleFaults(networks, pointer)
    // One network need not have probabilities.
    if (networks.length > 1) errors.push(...faults)
  }
  if (errors.length > 0) return { kind: 'refused', errors: errors.slice(0, FAULTS_MAX) }
  const imported = networks.map((network) => ({
    ...network,
    parameter_count: countParameters(network.architecture),
  }))
  return {
    kind: 'imported',
    weights: {
      networks: imported,
      parameterCount: imported.reduce((sum, { parameter_count }) => sum + parameter_count, 0),
      bytes: packLayers(outcomes.flatMap(({ layers }) => layers)),
    },
  }
}

function countParameters(architecture: Architecture): number {
  return layerShapes(architecture).reduce(
    (sum, { inputs, units, batchNorm }) => sum + (inputs + (batchNorm ? 3 : 1)) * units,
    0,
  )
}

function readDocument(
  document: ImportedNetworkDocument,
  outer: ArchitectureInput | undefined,
  pointer: string,
): ReadNetwork {
  const given = outer ?? document.architecture
  if (given === undefined) {
    const isOnly = pointer === '#/weights'
    const detail = isOnly ? 'is required, here or inside weights' : 'is required'
    const at = isOnly ? '#/architecture' : `${pointer}/architecture`
    return { network: null, layers: [], errors: [{ pointer: at, detail }] }
  }
  const preprocessing = document.preprocessing ?? null
  const { architecture, errors } = importArchitecture(given, preprocessing, {
    pointer: outer === undefined ? `${pointer}/architecture` : '#/architecture',
    preprocessingPointer: `${pointer}/preprocessing`,
  })
  const { layers } = document
  errors.push(...findLayerFaults(layers, architecture, `${pointer}/layers`))
  for (const [i, layer] of layers.entries()) {
    errors.push(...findLargeValues(layer, `${pointer}/layers/${i}`))
  }
  return errors.length > 0
    ? { network: null, layers: [], errors }
    : { network: { architecture, preprocessing }, layers: layers.map(toLayerWeights), errors }
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
