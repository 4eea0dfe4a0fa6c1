import { logistic } from '../random/elementary.ts'
import { exp, log, type Random } from '../random.ts'

const TWO_POW_32 = 2 ** 32
const LN_4 = 1.3862943611198906

/**
 * The share of itself that a mixed row keeps, from Beta(α, α), as float32. A pair of words is drawn until one is
 * accepted; that of attempt a are the first two of block row + a · 2^32.
 */
export function drawShare(alpha: number, random: Random, row: number): number {
  for (let attempt = 0; ; attempt++) {
    const word = 4 * (row + attempt * TWO_POW_32)
    const share = propose(alpha, unit(random.uint32(word)), unit(random.uint32(word + 1)))
    if (share !== null) return Math.fround(share)
  }
}

/**
 * u, v in (0, 1). For α up to 1 by Jöhnk (Metrika 8, 1964), above by the BB of Cheng
 * (https://doi.org/10.1145/359460.359482) with both parameters α. Both accept half of the pairs and more.
 */
function propose(alpha: number, u: number, v: number): number | null {
  const logU = log(u)
  const logV = log(v)
  if (alpha <= 1) {
    const x = logU / alpha
    const y = logV / alpha
    return exp(x) + exp(y) <= 1 ? logistic(x - y) : null
  }
  const root = Math.sqrt(alpha)
  const x = (logU - log(1 - u)) / root
  const bound = (alpha + root) * x - LN_4 + 2 * alpha * log(2 / (1 + exp(x)))
  return bound >= 2 * logU + logV ? logistic(x) : null
}

/** A word as a number in (0, 1). */
function unit(word: number): number {
  return (word + 0.5) / TWO_POW_32
}
