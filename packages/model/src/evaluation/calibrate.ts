import type { ClassificationReport } from '@trainyard/contracts'

const BINS = 10

/**
 * Ten equal bins (from, to] of probabilities [rows], 0 in the first; empty ones are left out. The expected calibration
 * error is that of Naeini, Cooper, Hauskrecht (2015).
 */
export function calibrate(
  probabilities: ArrayLike<number>,
  isRight: (row: number) => boolean,
): NonNullable<ClassificationReport['calibration']> {
  const bins = Array.from({ length: BINS }, () => ({ rows: 0, sum: 0, right: 0 }))
  for (let row = 0; row < probabilities.length; row++) {
    const probability = probabilities[row] as number
    const bin = bins[binOf(probability)] as (typeof bins)[number]
    bin.rows += 1
    bin.sum += probability
    if (isRight(row)) bin.right += 1
  }
  const described = bins.flatMap(({ rows, sum, right }, i) =>
    rows === 0
      ? []
      : [
          {
            from: i / BINS,
            to: (i + 1) / BINS,
            rows,
            confidence: sum / rows,
            share_right: right / rows,
          },
        ],
  )
  const error = described.reduce(
    (total, { rows, confidence, share_right }) => total + rows * Math.abs(confidence - share_right),
    0,
  )
  return { error: error / probabilities.length, bins: described }
}

/** How many of the inner edges 0.1 … 0.9 lie below. */
function binOf(probability: number): number {
  let bin = 0
  while (bin < BINS - 1 && probability > (bin + 1) / BINS) bin += 1
  return bin
}
