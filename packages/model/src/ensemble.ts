/** Several networks as one model: probabilities, or values, are averaged. */
import type { Architecture, FieldError, PredictionItem, Preprocessing } from '@trainyard/contracts'
import { DataError, type RecordsInput } from '@trainyard/datasets'
import {
  createPredictor,
  type PredictionOutput,
  type Predictor,
  type TrainedModel,
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
  const possible: readonly PredictionOutput[] =
    classes === null ? ['value'] : ['label', 'probabilities']

  return {
    predict: (input, wanted = possible) => {
      assertOutputs(wanted, possible)
      const answers = predictors.map((predictor) => predictOne(predictor, input, classes !== null))
      return (answers[0] ?? []).map((_, row) => {
        const items = answers.map((answer) => answer[row] ?? {})
        if (classes === null) return { value: mean(items.map(({ value = 0 }) => value)) }
        return toItem(classes, items, wanted)
      })
    },
  }
}

function predictOne(predictor: Predictor, input: RecordsInput, isClassification: boolean) {
  return predictor.predict(input, [isClassification ? 'probabilities' : 'value'])
}

function toItem(
  classes: readonly string[],
  items: readonly PredictionItem[],
  wanted: readonly PredictionOutput[],
): PredictionItem {
  const shares = classes.map((name) =>
    Math.fround(mean(items.map(({ probabilities }) => probabilities?.[name] ?? 0))),
  )
  const item: PredictionItem = {}
  if (wanted.includes('label')) item.label = classes[shares.indexOf(Math.max(...shares))] ?? ''
  if (wanted.includes('probabilities')) {
    item.probabilities = Object.fromEntries(classes.map((name, i) => [name, shares[i] ?? 0]))
  }
  return item
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function assertOutputs(
  wanted: readonly PredictionOutput[],
  possible: readonly PredictionOutput[],
): void {
  const faults = wanted.flatMap((output, i) =>
    possible.includes(output)
      ? []
      : {
          detail: `An ensemble has no ${output}; it has ${possible.join(', ')}`,
          pointer: `#/outputs/${i}`,
        },
  )
  if (faults.length > 0) throw new DataError(faults)
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
