/**
 * Dropout masks [n] float32: 0 for a dropped value, 1/(1 - rate) for a kept one, each a function of
 * seed, stream, step and index alone. The same words as `createRandom` in src/random.ts gives, 16 at
 * a time. Formulas: src/layers/dropout.ts.
 */
import { job } from './layout'
import { MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1 } from './philox'

/** Words drawn at once: four blocks of four. */
const DRAWN: i32 = 16

/**
 * Values `first` to first + n of a mask, which is where `mask` points. first is a multiple of 16, and there is room
 * for n rounded up to 16. A value whose word is below the threshold is dropped.
 */
export function drawMask(mask: usize, first: i32, n: i32, stream: i32, step: i32, threshold: u32): void {
  const limit = i32x4.splat(threshold)
  // 1/(1 - rate), of the rate that the threshold stands for.
  const kept = f32x4.splat(<f32>(4294967296.0 / (4294967296.0 - <f64>threshold)))
  for (let i = 0; i < n; i += DRAWN) {
    drawSixteen(mask, (first + i) >> 2, stream, step, limit, kept)
    mask += 4 * DRAWN
  }
}

/** target[i] = a[i] · mask[i]; target may be a. n is a multiple of 4. */
export function applyMask(a: usize, mask: usize, target: usize, n: i32): void {
  const end = a + (<usize>n << 2)
  for (; a < end; a += 16, mask += 16, target += 16) {
    v128.store(target, f32x4.mul(v128.load(a), v128.load(mask)))
  }
}

/** Four Philox blocks side by side, the first of them given by its index. */
function drawSixteen(mask: usize, block: i32, stream: i32, step: i32, limit: v128, kept: v128): void {
  const multiplier0 = i32x4.splat(MULTIPLIER_0), multiplier1 = i32x4.splat(MULTIPLIER_1)
  let c0 = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3)), c1 = i32x4.splat(0)
  let c2 = i32x4.splat(step), c3 = i32x4.splat(stream)
  let k0 = load<u32>(job.seedLow), k1 = load<u32>(job.seedHigh)
  for (let round = 0; round < ROUNDS; round++) {
    const low0 = i64x2.extmul_low_i32x4_u(multiplier0, c0), high0 = i64x2.extmul_high_i32x4_u(multiplier0, c0)
    const low1 = i64x2.extmul_low_i32x4_u(multiplier1, c2), high1 = i64x2.extmul_high_i32x4_u(multiplier1, c2)
    c0 = v128.xor(v128.xor(v128.shuffle<i32>(low1, high1, 1, 3, 5, 7), c1), i32x4.splat(k0))
    c1 = v128.shuffle<i32>(low1, high1, 0, 2, 4, 6)
    c2 = v128.xor(v128.xor(v128.shuffle<i32>(low0, high0, 1, 3, 5, 7), c3), i32x4.splat(k1))
    c3 = v128.shuffle<i32>(low0, high0, 0, 2, 4, 6)
    k0 += WEYL_0
    k1 += WEYL_1
  }
  // Lane r of word w is word w of block r.
  const low01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7)
  v128.store(mask, v128.and(kept, i32x4.ge_u(v128.shuffle<i32>(low01, low23, 0, 1, 4, 5), limit)))
  v128.store(mask, v128.and(kept, i32x4.ge_u(v128.shuffle<i32>(low01, low23, 2, 3, 6, 7), limit)), 16)
  v128.store(mask, v128.and(kept, i32x4.ge_u(v128.shuffle<i32>(high01, high23, 0, 1, 4, 5), limit)), 32)
  v128.store(mask, v128.and(kept, i32x4.ge_u(v128.shuffle<i32>(high01, high23, 2, 3, 6, 7), limit)), 48)
}
