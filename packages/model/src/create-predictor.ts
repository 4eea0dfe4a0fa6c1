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

/** Rows to predict, in whichever form they came. */
export interface EncodableRows {
  rows: number
  /** Inputs [rows, width]. Throws DataError for a row that the preprocessing has no inputs for. */
  encode(preprocessing: Preprocessing): Float32Array
  /** Where a row stands in a JSON body, for faults. */
  pointerTo?(row: number): string
}

/** Everything that a model says of its rows; what a kind of model does not say is null. */
export interface Scores {
  rows: number
  /** [rows, outputs]; none of an ensemble. */
  logits: Float32Array | null
  /** [rows, classes]; none of a perceptron or where the loss was hinge, whose scores are no probabilities. */
  probabilities: Float32Array | null
  /** Index of the class, [rows]; none of a regression. */
  classIndices: Int32Array | null
  /** In the unit of the target, [rows]; of a regression alone. */
  values: Float64Array | null
}

export interface Predictor {
  score(input: EncodableRows): Scores
  /**
   * One item per record, in order. Default outputs: label and probabilities of a classification (label and logits of a
   * perceptron or where it was trained by hinge), the value of a regression. Throws DataError with pointers into the body.
   */
  predict(input: RecordsInput, outputs?: readonly PredictionOutput[]): PredictionItem[]
}

const CLASSIFICATION_OUTPUTS: readonly PredictionOutput[] = ['label', 'probabilities', 'logits']
const SCORE_OUTPUTS: readonly PredictionOutput[] = ['label', 'logits']
const REGRESSION_OUTPUTS: readonly PredictionOutput[] = ['value', 'logits']

export function createPredictor(model: TrainedModel): Predictor {
  const { architecture, preprocessing } = model
  return toPredictor({
    kind: kindOf(architecture),
    classes: architecture.classes,
    possible: outputsOfNetwork(architecture),
    usual: defaultOutputs(architecture),
    score({ rows, encode, pointerTo }) {
      const logits = logitsOf(model, encode(preprocessing), rows)
      assertFinite(logits, architecture.outputs, pointerTo)
      return { rows, logits, ...interpret(architecture, preprocessing, logits, rows) }
    },
  })
}

/** What turns scores into answers; of one network, or of several. */
export function toPredictor(options: {
  kind: string
  classes: readonly string[] | null
  possible: readonly PredictionOutput[]
  usual: readonly PredictionOutput[]
  score: Predictor['score']
}): Predictor {
  const { kind, classes, possible, usual, score } = options
  return {
    score,
    predict(input, wanted = usual) {
      assertOutputs(kind, possible, wanted)
      const scores = score(toEncodable(input))
      return Array.from({ length: scores.rows }, (_, row) => toItem(scores, row, classes, wanted))
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

function toEncodable(input: RecordsInput): EncodableRows {
  const list = 'records' in input ? 'records' : 'rows'
  return {
    rows: 'records' in input ? input.records.length : input.rows.length,
    encode: (preprocessing) => encodeRecords(preprocessing, input),
    pointerTo: (row) => `#/${list}/${row}`,
  }
}

function interpret(
  architecture: Architecture,
  { target }: Preprocessing,
  logits: Float32Array,
  rows: number,
): Pick<Scores, 'probabilities' | 'classIndices' | 'values'> {
  if (architecture.classes === null) {
    const values = Float64Array.from({ length: rows }, (_, row) =>
      toTargetUnit(logits[row * architecture.outputs] ?? 0, target),
    )
    return { probabilities: null, classIndices: null, values }
  }
  const probabilities = hasRawScores(architecture)
    ? null
    : probabilitiesOf(architecture, logits, rows)
  return { probabilities, classIndices: largestOfRows(probabilities ?? logits, rows), values: null }
}

/** The class that each row is taken for; scores [rows, classes], or one of each row. */
export function largestOfRows(scores: Float32Array, rows: number): Int32Array {
  const width = scores.length / rows
  return Int32Array.from({ length: rows }, (_, row) =>
    predictedClass(scores.subarray(row * width, (row + 1) * width)),
  )
}

function toItem(
  { rows, logits, probabilities, classIndices, values }: Scores,
  row: number,
  classes: readonly string[] | null,
  wanted: readonly PredictionOutput[],
): PredictionItem {
  const ofRow = (all: Float32Array) =>
    all.subarray((row * all.length) / rows, ((row + 1) * all.length) / rows)
  const item: PredictionItem = {}
  for (const output of wanted) {
    switch (output) {
      case 'label':
        if (classIndices !== null) item.label = classes?.[classIndices[row] ?? 0] ?? ''
        break
      case 'probabilities': {
        if (probabilities === null || classes === null) break
        const shares = ofRow(probabilities)
        // Own properties whatever the class is called, `__proto__` included.
        item.probabilities = Object.fromEntries(classes.map((name, i) => [name, shares[i] ?? 0]))
        break
      }
      case 'logits':
        if (logits !== null) item.logits = [...ofRow(logits)]
        break
      case 'value':
        if (values !== null) item.value = values[row] ?? 0
    }
  }
  return item
}

function defaultOutputs(architecture: Architecture): readonly PredictionOutput[] {
  if (hasRawScores(architecture)) return SCORE_OUTPUTS
  return architecture.task === 'classification' ? ['label', 'probabilities'] : ['value']
}

export function outputsOfNetwork(architecture: Architecture): readonly PredictionOutput[] {
  if (hasRawScores(architecture)) return SCORE_OUTPUTS
  return architecture.task === 'classification' ? CLASSIFICATION_OUTPUTS : REGRESSION_OUTPUTS
}

function assertOutputs(
  kind: string,
  possible: readonly PredictionOutput[],
  wanted: readonly PredictionOutput[],
): void {
  const faults = [...wanted.entries()]
    .filter(([, output]) => !possible.includes(output))
    .map(([i, output]) => ({
      detail: `${kind} has no ${output}; it has ${possible.join(', ')}`,
      pointer: `#/outputs/${i}`,
    }))
  if (faults.length > 0) throw new DataError(faults)
}

function kindOf({ task, output_activation }: Architecture): string {
  if (output_activation === 'step') return 'A perceptron model'
  const isHinge = task === 'classification' && output_activation === 'linear'
  return `A ${isHinge ? 'hinge' : task} model`
}

/** Values far outside the training data can overflow float32; JSON has no word for what comes out. */
function assertFinite(
  logits: Float32Array,
  width: number,
  pointerTo: EncodableRows['pointerTo'],
): void {
  const bad = logits.findIndex((value) => !Number.isFinite(value))
  if (bad < 0) return
  const row = Math.floor(bad / width)
  const detail = `Record ${row + 1}: its values are too large for this model`
  throw new DataError([{ detail, ...(pointerTo && { pointer: pointerTo(row) }) }])
}
