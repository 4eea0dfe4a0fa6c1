/** The epoch's order of rows: the same permutation, bit for bit, as `permutation` in src/random.ts. */
import { job } from './layout'
import { MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1 } from './philox'

/** Four words of the Philox4x32-10 block drawn last. */
let word0: u32 = 0
let word1: u32 = 0
let word2: u32 = 0
let word3: u32 = 0

/** 0, 1, 2, … as uint32. [n] */
export function identityOrder(order: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i32>(order + (<usize>i << 2), i)
}

/** Fisher–Yates from the end; position i swaps with ⌊word(i) · (i+1) / 2^32⌋. */
export function shuffleOrder(order: usize, n: i32, epoch: i32): void {
  if (n > 0) drawBlock((n - 1) >> 2, epoch)
  for (let i = n - 1; i > 0; i--) {
    if ((i & 3) == 3) drawBlock(i >> 2, epoch)
    const j = <u32>((<u64>word(i & 3) * <u64>(i + 1)) >> 32)
    const here = order + (<usize>i << 2), there = order + (<usize>j << 2)
    const moved = load<u32>(here)
    store<u32>(here, load<u32>(there))
    store<u32>(there, moved)
  }
}

// @ts-ignore: decorator
@inline
function word(index: i32): u32 {
  return index < 2 ? (index == 0 ? word0 : word1) : index == 2 ? word2 : word3
}

function drawBlock(index: i32, epoch: i32): void {
  let c0: u32 = index, c1: u32 = 0, c2: u32 = epoch, c3: u32 = load<u32>(job.shuffleStream)
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
