/**
 * Philox4x32-10, a counter-based generator: 128 bits out of a 128-bit counter and a 64-bit key, with
 * no state between calls. Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
 * (SC 2011), https://doi.org/10.1145/2063384.2063405. The kernels hold the same function.
 */
const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

/** Four uint32 counter words, overwritten by the four uint32 words of the block they name. */
export function philox(block: Uint32Array, keyLow: number, keyHigh: number): void {
  let [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = block
  let k0 = keyLow
  let k1 = keyHigh
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) | 0
    k1 = (k1 + WEYL_1) | 0
  }
  block[0] = c0
  block[1] = c1
  block[2] = c2
  block[3] = c3
}

/**
 * Upper 32 bits of the 64-bit product of two uint32. The float64 product is off by at most 2^10, so
 * without its exact low half and divided by 2^32 it lies within 2^-20 of the integer wanted.
 */
export function multiplyHigh(a: number, b: number): number {
  const low = Math.imul(a, b) >>> 0
  return Math.floor((a * b - low) * 2 ** -32 + 0.5)
}
