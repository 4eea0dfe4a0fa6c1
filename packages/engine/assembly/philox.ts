/** Philox4x32-10, one block at a time, and its constants; src/random/philox.ts says what it is. */
import { job } from './layout'

export const MULTIPLIER_0: u32 = 0xd2511f53
export const MULTIPLIER_1: u32 = 0xcd9e8d57
export const WEYL_0: u32 = 0x9e3779b9
export const WEYL_1: u32 = 0xbb67ae85
export const ROUNDS: i32 = 10

/** Four words of the block drawn last. */
export let word0: u32 = 0
export let word1: u32 = 0
export let word2: u32 = 0
export let word3: u32 = 0

/** Draws the block of the job's seed that index, step and stream name; `high` are the upper 32 bits of the index. */
export function drawBlock(index: i32, high: i32, step: i32, stream: i32): void {
  let c0: u32 = index, c1: u32 = high, c2: u32 = step, c3: u32 = stream
  let k0 = load<u32>(job.seedLow), k1 = load<u32>(job.seedHigh)
  for (let round = 0; round < ROUNDS; round++) {
    const product0 = <u64>MULTIPLIER_0 * <u64>c0, product1 = <u64>MULTIPLIER_1 * <u64>c2
    c0 = <u32>(product1 >> 32) ^ c1 ^ k0
    c1 = <u32>product1
    c2 = <u32>(product0 >> 32) ^ c3 ^ k1
    c3 = <u32>product0
    k0 += WEYL_0
    k1 += WEYL_1
  }
  word0 = c0
  word1 = c1
  word2 = c2
  word3 = c3
}
