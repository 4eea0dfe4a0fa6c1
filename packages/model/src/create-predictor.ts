import type {
  Architecture,
  PREDICTION_OUTPUTS,
  PredictionItem,
  Preprocessing,
} from '@trainyard/contracts'
import { DataError, encodeRecords, type RecordsInput } from '@trainyard/datasets'
import type { LayerWeights } from '@trainyard/engine/inference'
import { hasRawScores, predictedClass, probabilitiesOf, toTargetUnit } from './interpret-logits.ts'
import { layerShapes } from './layer-bytes.ts'
import { logitsOf } from './open-model.ts'

export type PredictionOutput = (typeof PREDICTION_OUTPUTS)[number]

export interface TrainedModel {
  architecture: Architecture
  preprocessing: Preprocessing
  layers: readonly LayerWeights[]
  /** Logits by the engine's kernels, of a model that is open. */
  infer?: (inputs: Float32Array, rows: number) => Float32Array
}

export interface Predictor {
  /**
   * One item per record, in order. Default outputs: label and probabilities of a classification (label and logits of a
   * perceptron or where it was trained by hinge: their scores are no probabilities), the value of a regression.
   * Throws DataError with pointers into the body.
   */
  predict(input: RecordsInput, outputs?: readonly PredictionOutput[]): PredictionItem[]
}

const CLASSIFICATION_OUTPUTS: readonly PredictionOutput[] = ['label', 'probabilities', 'logits']
const SCORE_OUTPUTS: readonly PredictionOutput[] = ['label', 'logits']
const REGRESSION_OUTPUTS: readonly PredictionOutput[] = ['value', 'logits']

export function createPredictor(model: TrainedModel): Predictor {
  const { architecture, preprocessing } = model
  const { outputs: width, classes } = architecture

  return {
    predict: (input, wanted = defaultOutputs(architecture)) => {
      assertOutputs(architecture, wanted)
      const inputs = encodeRecords(preprocessing, input)
      const rows = 'records' in input ? input.records.length : input.rows.length
      const logits = logitsOf(model, inputs, rows)
      assertFinite(logits, width, input)
      const probabilities =
        classes === null || hasRawScores(architecture)
          ? null
          : probabilitiesOf(architecture, logits, rows)
      return Array.from({ length: rows }, (_, row): PredictionItem => {
        const scores = logits.subarray(row * width, (row + 1) * width)
        const item: PredictionItem = {}
        if (classes !== null) {
          const shares = probabilities?.subarray(row * classes.length, (row + 1) * classes.length)
          if (wanted.includes('label')) item.label = classes[predictedClass(shares ?? scores)] ?? ''
          if (shares !== undefined && wanted.includes('probabilities')) {
            // Own properties whatever the class is called, `__proto__` included.
            item.probabilities = Object.fromEntries(
              classes.map((name, i) => [name, shares[i] ?? 0]),
            )
          }
        }
        if (wanted.includes('logits')) item.logits = [...scores]
        if (wanted.includes('value'))
          item.value = toTargetUnit(scores[0] ?? 0, preprocessing.target)
        return item
      })
    },
  }
}

/** Floating-point operations of the matrix products of predicting so many rows. */
export function predictionFlops(architecture: Architecture, rows: number): number {
  return layerShapes(architecture).reduce(
    (sum, { inputs, units }) => sum + 2 * inputs * units * rows,
    0,
  )
}

function defaultOutputs(architecture: Architecture): readonly PredictionOutput[] {
  if (hasRawScores(architecture)) return SCORE_OUTPUTS
  return architecture.task === 'classification' ? ['label', 'probabilities'] : ['value']
}

function possibleOutputs(architecture: Architecture): readonly PredictionOutput[] {
  if (hasRawScores(architecture)) return SCORE_OUTPUTS
  return architecture.task === 'classification' ? CLASSIFICATION_OUTPUTS : REGRESSION_OUTPUTS
}

function assertOutputs(architecture: Architecture, wanted: readonly PredictionOutput[]): void {
  const possible = possibleOutputs(architecture)
  const faults = [...wanted.entries()]
    .filter(([, output]) => !possible.includes(output))
    .map(([i, output]) => ({
      detail: `A ${kindOf(architecture)} model has no ${output}; it has ${possible.join(', ')}`,
      pointer: `#/outputs/${i}`,
    }))
  if (faults.length > 0) throw new DataError(faults)
}

function kindOf({ task, output_activation }: Architecture): string {
  if (output_activation === 'step') return 'perceptron'
  return task === 'classification' && output_activation === 'linear' ? 'hinge' : task
}

/** Values far outside the training data can overflow float32; JSON has no word for what comes out. */
function assertFinite(logits: Float32Array, width: number, input: RecordsInput): void {
  const bad = logits.findIndex((value) => !Number.isFinite(value))
  if (bad < 0) return
  const row = Math.floor(bad / width)
  const detail = `Record ${row + 1}: its values are too large for this model`
  const list = 'records' in input ? 'records' : 'rows'
  throw new DataError([{ detail, pointer: `#/${list}/${row}` }])
}
