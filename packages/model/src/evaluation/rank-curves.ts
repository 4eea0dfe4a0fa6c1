/** Areas under curves of one score against one yes or no, over all thresholds; ties are one threshold. */

export interface RankAreas {
  /** Probability that a positive scores higher than a negative, ties half; null without both. */
  roc: number | null
  /** Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ; null without a positive. */
  pr: number | null
}

/** `scores` and `isPositive` [rows]. Scores are finite. O(rows log rows). */
export function rankAreas(
  scores: ArrayLike<number>,
  isPositive: (row: number) => boolean,
): RankAreas {
  const order = Uint32Array.from(scores, (_, row) => row).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  )
  let positives = 0
  for (const row of order) if (isPositive(row)) positives += 1
  const negatives = order.length - positives

  let [hits, misses, roc, pr] = [0, 0, 0, 0]
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start] as number]
    let end = start
    let tied = 0
    while (end < order.length && scores[order[end] as number] === score) {
      if (isPositive(order[end] as number)) tied += 1
      end += 1
    }
    const tiedMisses = end - start - tied
    // A trapezoid: of the misses tied with hits, half rank below them.
    roc += tiedMisses * (hits + tied / 2)
    hits += tied
    misses += tiedMisses
    pr += (tied * hits) / (hits + misses)
    start = end
  }
  return {
    roc: positives === 0 || negatives === 0 ? null : roc / (positives * negatives),
    pr: positives === 0 ? null : pr / positives,
  }
}
