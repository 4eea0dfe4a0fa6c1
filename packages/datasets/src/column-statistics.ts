/** Statistics of one column's present values, fitted on training rows. Empty input gives 0, so that nothing divides by nothing. */

export interface Moments {
  mean: number
  /** Population standard deviation: divided by n. */
  std: number
}

/** Two passes over values scaled by a power of two, so that neither sum overflows nor cancels. */
export function momentsOf(values: Float64Array): Moments {
  const n = values.length
  if (n === 0) return { mean: 0, std: 0 }
  const scale = powerOfTwoNear(values)
  let sum = 0
  for (const value of values) sum += value / scale
  const mean = sum / n
  let squares = 0
  for (const value of values) squares += (value / scale - mean) ** 2
  return { mean: mean * scale, std: Math.sqrt(squares / n) * scale }
}

/** Quantile q of ascending values by linear interpolation between neighbours. */
export function quantileOf(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return 0
  const position = q * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below] ?? 0
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? 0
  const fraction = position - below
  return low * (1 - fraction) + high * fraction
}

/** The value that occurs most often; of several the smallest. */
export function mostFrequentOf(sorted: Float64Array): number {
  let best = sorted[0] ?? 0
  let bestRun = 0
  let start = 0
  for (let i = 1; i <= sorted.length; i++) {
    if (i < sorted.length && sorted[i] === sorted[start]) continue
    if (i - start > bestRun) {
      bestRun = i - start
      best = sorted[start] ?? 0
    }
    start = i
  }
  return best
}

function powerOfTwoNear(values: Float64Array): number {
  let largest = 0
  for (const value of values) largest = Math.max(largest, Math.abs(value))
  const exponent = Math.floor(Math.log2(largest))
  // Ordinary magnitudes need no scaling, and 2^±1000 leaves room on both sides for the others.
  return Math.abs(exponent) < 300 || largest === 0
    ? 1
    : 2 ** Math.max(-1000, Math.min(1000, exponent))
}
