/** Several networks as one model: probabilities, or values, are averaged. */
import type { Architecture, FieldError, Preprocessing } from '@trainyard/contracts'
import {
  createPredictor,
  largestOfRows,
  outputsOfNetwork,
  type PredictionOutput,
  type Predictor,
  type Scores,
  type TrainedModel,
  toPredictor,
} from './create-predictor.ts'
import { encodedInputs, typeOf } from './describe-signature.ts'
import { hasRawScores } from './interpret-logits.ts'
import { unpackLayers, weightsBytes } from './layer-bytes.ts'

export interface StoredNetwork {
  architecture: Architecture
  /** null: it takes encoded inputs. */
  preprocessing: Preprocessing | null
}

/** The networks of a stored model, whose bytes follow one another. */
export function unpackNetworks(
  networks: readonly StoredNetwork[],
  bytes: Uint8Array,
): TrainedModel[] {
  let at = 0
  const models = networks.map(({ architecture, preprocessing }) => {
    const length = weightsBytes(architecture)
    const layers = unpackLayers(architecture, bytes.subarray(at, at + length))
    at += length
    return { architecture, preprocessing: preprocessing ?? encodedInputs(architecture), layers }
  })
  if (at !== bytes.byteLength) throw new Error(`${bytes.byteLength} bytes are no weights of ${at}`)
  return models
}

/** Of one network, or of an ensemble: its label is the class of the largest mean probability, of equal ones the first. */
export function createModelPredictor(networks: readonly TrainedModel[]): Predictor {
  const [first, second] = networks
  if (first === undefined) throw new Error('a model has at least one network')
  if (second === undefined) return createPredictor(first)
  const predictors = networks.map(createPredictor)
  const { classes } = first.architecture
  const possible = possibleOutputs(networks)
  return toPredictor({
    ...{ kind: 'An ensemble', classes, possible, usual: possible },
    score: (input) => averageScores(predictors.map((predictor) => predictor.score(input))),
  })
}

/** What predictions of one network, or of an ensemble, can hold. */
export function possibleOutputs(
  networks: readonly Pick<StoredNetwork, 'architecture'>[],
): readonly PredictionOutput[] {
  const [first, second] = networks
  if (first === undefined) return []
  if (second === undefined) return outputsOfNetwork(first.architecture)
  return first.architecture.classes === null ? ['value'] : ['label', 'probabilities']
}

function averageScores(members: readonly Scores[]): Scores {
  const rows = members[0]?.rows ?? 0
  const values = members.flatMap((scores) => scores.values ?? [])
  if (values.length > 0) {
    const means = Float64Array.from({ length: rows }, (_, row) => meanAt(values, row))
    return { rows, logits: null, probabilities: null, classIndices: null, values: means }
  }
  const shares = members.flatMap(({ probabilities }) => probabilities ?? [])
  const probabilities = new Float32Array(shares[0]?.length ?? 0)
  for (let i = 0; i < probabilities.length; i++) probabilities[i] = meanAt(shares, i)
  const classIndices = largestOfRows(probabilities, rows)
  return { rows, logits: null, probabilities, classIndices, values: null }
}

function meanAt(lists: readonly (Float32Array | Float64Array)[], at: number): number {
  return lists.reduce((sum, list) => sum + (list[at] as number), 0) / lists.length
}

/**
 * Why networks cannot be averaged: another task, other classes, scores instead of probabilities, other inputs. `pointer`
 * is the place of their list.
 */
export function findEnsembleFaults(
  networks: readonly StoredNetwork[],
  pointer: string,
): FieldError[] {
  const [first, ...others] = networks
  if (first === undefined) return []
  const faults = networks.flatMap(({ architecture }, i): FieldError[] => {
    if (!hasRawScores(architecture)) return []
    const detail = `has scores and no probabilities ("${architecture.output_activation}" output), so it cannot be averaged`
    return [{ pointer: `${pointer}/${i}`, detail }]
  })
  for (const [i, network] of others.entries()) {
    const detail = findDifference(first, network)
    if (detail !== null) faults.push({ pointer: `${pointer}/${i + 1}`, detail })
  }
  return faults
}

function findDifference(first: StoredNetwork, other: StoredNetwork): string | null {
  const [a, b] = [first.architecture, other.architecture]
  if (a.task !== b.task) return `is a ${b.task}, the first member a ${a.task}`
  if (JSON.stringify(a.classes) !== JSON.stringify(b.classes)) {
    return 'has other classes than the first member; they must be the same in the same order'
  }
  const [inputs, theirs] = [inputsOf(first), inputsOf(other)]
  if (inputs.length !== theirs.length) {
    return `takes ${theirs.length} inputs, the first member ${inputs.length}`
  }
  const at = inputs.findIndex((input, i) => input !== theirs[i])
  if (at < 0) return null
  return `takes ${theirs[at]} as input ${at + 1}, the first member ${inputs[at]}`
}

function inputsOf({ architecture, preprocessing }: StoredNetwork): string[] {
  const { columns } = preprocessing ?? encodedInputs(architecture)
  return columns.map((transform) => `"${transform.column}" (${typeOf(transform)})`)
}
