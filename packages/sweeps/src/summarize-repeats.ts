import type { TrialObjective } from '@trainyard/contracts'

/** Student's t at 97.5 % by degrees of freedom from 1. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
]

/** Mean, spread and 95 % confidence of the mean; null where no repeat has a value. */
export function summarizeRepeats(values: readonly number[]): TrialObjective | null {
  const n = values.length
  if (n === 0) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { mean, std: null, confidence: null, values: [...values] }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const std = Math.sqrt(squares / (n - 1))
  const half = (quantileOfT(n - 1) * std) / Math.sqrt(n)
  return { mean, std, confidence: { low: mean - half, high: mean + half }, values: [...values] }
}

/** Beyond the table by its expansion around the normal quantile, to three digits (Abramowitz and Stegun 26.7.5). */
function quantileOfT(degrees: number): number {
  const z = 1.959964
  const expanded =
    z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
  return T_975[degrees - 1] ?? expanded
}
