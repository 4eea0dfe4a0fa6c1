import type { PredictionItem } from '@trainyard/contracts'
import type { Case } from './cases.ts'

/** What a consumer answers, by record; null for what its format has not. */
export interface Answers {
  labels: (string | null)[] | null
  probabilities: number[][] | null
  logits: number[][] | null
  values: number[] | null
}

const ERROR_MAX = 1e-5

/**
 * The largest error of a record: of probabilities |a − b| / max |b| over its vector; of a value over the value or, if that
 * is less, the spread of the target; of scores over the largest of them or, if that is less, their root mean square: a
 * score near zero is the difference of large ones. Labels must be the same.
 */
export function compare(
  answers: Answers,
  { expected, valueFloor }: Pick<Case, 'expected' | 'valueFloor'>,
): { error: number; labels: string; isEqual: boolean } {
  const logits = expected.flatMap((item) => item.logits ?? [])
  const logitFloor = Math.hypot(...logits) / Math.sqrt(Math.max(1, logits.length))
  let error = 0
  let different = 0
  let compared = 0
  const note = (found: readonly number[] | undefined, wanted: readonly number[], floor: number) => {
    compared += 1
    const scale = Math.max(floor, ...wanted.map(Math.abs))
    for (const [i, value] of wanted.entries()) {
      const difference = Math.abs((found?.[i] ?? Number.NaN) - value) / scale
      // Not a number is as far away as can be.
      error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
    }
  }
  for (const [row, item] of expected.entries()) {
    const shares = sharesOf(item)
    if (answers.probabilities !== null && shares !== null)
      note(answers.probabilities[row], shares, 0)
    if (answers.logits !== null && item.logits !== undefined)
      note(answers.logits[row], item.logits, logitFloor)
    if (answers.values !== null && item.value !== undefined) {
      note([answers.values[row] ?? Number.NaN], [item.value], valueFloor)
    }
    if (item.label !== undefined && answers.labels?.[row] !== item.label) different += 1
  }
  const isClassification = expected[0]?.label !== undefined
  return {
    error,
    labels: isClassification ? (different === 0 ? 'same' : `${different} differ`) : '',
    isEqual: compared >= expected.length && error <= ERROR_MAX && different === 0,
  }
}

function sharesOf({ probabilities }: PredictionItem): number[] | null {
  return probabilities === undefined ? null : Object.values(probabilities)
}
