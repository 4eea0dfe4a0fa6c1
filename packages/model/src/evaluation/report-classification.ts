import type { ClassificationReport } from '@trainyard/contracts'
import { calibrate } from './calibrate.ts'
import { rankAreas } from './rank-curves.ts'

/** Rows are told apart by class and by how the network scores every class. */
export interface ClassifiedRows {
  classes: readonly string[]
  /** True class of each row [rows]. */
  labels: ArrayLike<number>
  /** The class each row was taken for [rows]. */
  predicted: ArrayLike<number>
  /** Higher means rather this class [rows, classes]; with two classes one score of the second may do: [rows, 1]. */
  scores: Float32Array | Float64Array
  /** Whether the scores are probabilities; there is no log loss or calibration of others. */
  areProbabilities: boolean
}

const TOP_KS = [2, 3, 5]
/** What a probability counts as at least, lest one sure mistake make the mean infinite; the ε of float64. */
const PROBABILITY_MIN = 2 ** -52

/**
 * What scikit-learn's `classification_report`, `confusion_matrix`, `roc_auc_score`, `average_precision_score`,
 * `top_k_accuracy_score`, `log_loss` and `calibration_curve` say, by their definitions, with 0 for shares of nothing.
 * O(classes · rows log rows).
 */
export function reportClassification(input: ClassifiedRows): ClassificationReport {
  const { classes, labels, predicted, areProbabilities } = input
  const rows = labels.length
  const confusion = countConfusion(input)
  const scoreOf = makeScoreOf(input)
  const perClass = classes.map((label, k) => {
    const scores = Float64Array.from({ length: rows }, (_, row) => scoreOf(row, k))
    const areas = rankAreas(scores, (row) => labels[row] === k)
    return { label, ...describeClass(confusion, k), roc_auc: areas.roc, pr_auc: areas.pr }
  })
  const occurring = perClass.filter(({ support }) => support > 0)
  const right = confusion.reduce((sum, counts, k) => sum + (counts[k] ?? 0), 0)
  const isBinary = classes.length === 2
  return {
    task: 'classification',
    rows,
    accuracy: right / rows,
    balanced_accuracy: mean(occurring.map(({ recall }) => recall)),
    classes: perClass,
    macro: average(perClass, () => 1),
    weighted: average(perClass, ({ support }) => support),
    confusion,
    top_k: TOP_KS.filter((k) => k < classes.length).map((k) => ({
      k,
      accuracy: topShare(input, scoreOf, k),
    })),
    roc_auc: isBinary ? (perClass[1]?.roc_auc ?? null) : meanOfKnown(perClass, 'roc_auc'),
    pr_auc: isBinary ? (perClass[1]?.pr_auc ?? null) : meanOfKnown(perClass, 'pr_auc'),
    log_loss: areProbabilities ? logLoss(input, scoreOf) : null,
    brier_score: areProbabilities ? brierScore(input, scoreOf) : null,
    calibration: areProbabilities
      ? isBinary
        ? calibrate(
            Float64Array.from({ length: rows }, (_, row) => scoreOf(row, 1)),
            (row) => labels[row] === 1,
          )
        : calibrate(
            Float64Array.from({ length: rows }, (_, row) => scoreOf(row, predicted[row] as number)),
            (row) => labels[row] === predicted[row],
          )
      : null,
  }
}

type ScoreOf = (row: number, k: number) => number

/** One score stands for the second class; of the first it is the rest of a probability, or the opposite of a score. */
function makeScoreOf({ classes, scores, labels, areProbabilities }: ClassifiedRows): ScoreOf {
  const width = scores.length / labels.length
  if (width === classes.length) return (row, k) => scores[row * width + k] as number
  return (row, k) => {
    const second = scores[row] as number
    if (k === 1) return second
    return areProbabilities ? 1 - second : -second
  }
}

function countConfusion({ classes, labels, predicted }: ClassifiedRows): number[][] {
  const confusion = classes.map(() => classes.map(() => 0))
  for (let row = 0; row < labels.length; row++) {
    const counts = confusion[labels[row] as number] as number[]
    const taken = predicted[row] as number
    counts[taken] = (counts[taken] as number) + 1
  }
  return confusion
}

function describeClass(confusion: number[][], k: number) {
  const support = sum(confusion[k] as number[])
  const taken = sum(confusion.map((counts) => counts[k] as number))
  const right = confusion[k]?.[k] as number
  return {
    support,
    precision: taken === 0 ? 0 : right / taken,
    recall: support === 0 ? 0 : right / support,
    f1: support + taken === 0 ? 0 : (2 * right) / (support + taken),
  }
}

type ClassReport = ClassificationReport['classes'][number]

function average(reports: readonly ClassReport[], weightOf: (report: ClassReport) => number) {
  const total = sum(reports.map(weightOf))
  const of = (name: 'precision' | 'recall' | 'f1') =>
    sum(reports.map((report) => weightOf(report) * report[name])) / total
  return { precision: of('precision'), recall: of('recall'), f1: of('f1') }
}

function topShare({ classes, labels }: ClassifiedRows, scoreOf: ScoreOf, k: number): number {
  let hits = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number
    const own = scoreOf(row, label)
    let better = 0
    for (let other = 0; other < classes.length; other++) {
      const score = scoreOf(row, other)
      if (score > own || (score === own && other > label)) better += 1
    }
    if (better < k) hits += 1
  }
  return hits / labels.length
}

/** Each row's probabilities are first made to add up to 1, which those of float32 do but nearly. */
function logLoss({ classes, labels }: ClassifiedRows, scoreOf: ScoreOf): number {
  const clip = (share: number) => Math.min(Math.max(share, PROBABILITY_MIN), 1 - PROBABILITY_MIN)
  let total = 0
  for (let row = 0; row < labels.length; row++) {
    const own = clip(scoreOf(row, labels[row] as number))
    const all = sum(classes.map((_, k) => clip(scoreOf(row, k))))
    total -= Math.log(own / all)
  }
  return total / labels.length
}

/** Brier (1950), for two classes halved. */
function brierScore({ classes, labels }: ClassifiedRows, scoreOf: ScoreOf): number {
  let total = 0
  for (let row = 0; row < labels.length; row++) {
    for (let k = 0; k < classes.length; k++) {
      total += (scoreOf(row, k) - Number(labels[row] === k)) ** 2
    }
  }
  return total / labels.length / (classes.length === 2 ? 2 : 1)
}

function meanOfKnown(reports: readonly ClassReport[], name: 'roc_auc' | 'pr_auc'): number | null {
  const known = reports.map((report) => report[name]).filter((area) => area !== null)
  return known.length === 0 ? null : mean(known)
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
