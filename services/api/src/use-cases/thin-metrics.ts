import type { EpochMetrics } from '@trainyard/contracts'

/** The lowest and the highest of two curves: four rows of each bucket are kept. */
const CURVES = ['train_loss', 'val_loss'] as const
const ROWS_PER_BUCKET = 4

/**
 * At most `maxPoints` rows of a history, in order: the first, the last, the best, and of equal stretches the extremes of
 * both losses, so that a spike of one epoch in a hundred thousand is still there.
 */
export function thinMetrics(
  rows: readonly EpochMetrics[],
  maxPoints: number,
  bestEpoch: number | null,
): EpochMetrics[] {
  if (rows.length <= maxPoints) return [...rows]
  const kept = new Set<number>([0, rows.length - 1])
  const best = rows.findIndex(({ epoch }) => epoch === bestEpoch)
  if (best >= 0) kept.add(best)
  const buckets = Math.floor((maxPoints - kept.size) / ROWS_PER_BUCKET)
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * rows.length) / buckets)
    const to = Math.floor(((bucket + 1) * rows.length) / buckets)
    for (const curve of CURVES) addExtremes(rows, curve, from, to, kept)
  }
  return [...kept].sort((a, b) => a - b).flatMap((i) => rows[i] ?? [])
}

function addExtremes(
  rows: readonly EpochMetrics[],
  curve: (typeof CURVES)[number],
  from: number,
  to: number,
  kept: Set<number>,
): void {
  let lowest = -1
  let highest = -1
  for (let i = from; i < to; i++) {
    const value = rows[i]?.[curve]
    if (value === null || value === undefined) continue
    if (lowest < 0 || value < (rows[lowest]?.[curve] ?? value)) lowest = i
    if (highest < 0 || value > (rows[highest]?.[curve] ?? value)) highest = i
  }
  if (lowest >= 0) kept.add(lowest)
  if (highest >= 0) kept.add(highest)
}
