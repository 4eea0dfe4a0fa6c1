/** The epoch's order of rows: the same permutation, bit for bit, as `permutation` in src/random.ts. */
import { job } from './layout'
import { drawBlock, word0, word1, word2, word3 } from './philox'

/** 0, 1, 2, … as uint32. [n] */
export function identityOrder(order: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i32>(order + (<usize>i << 2), i)
}

/** Fisher–Yates from the end; position i swaps with ⌊word(i) · (i+1) / 2^32⌋. */
export function shuffleOrder(order: usize, n: i32, epoch: i32): void {
  const stream = load<i32>(job.shuffleStream)
  if (n > 0) drawBlock((n - 1) >> 2, 0, epoch, stream)
  for (let i = n - 1; i > 0; i--) {
    if ((i & 3) == 3) drawBlock(i >> 2, 0, epoch, stream)
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
