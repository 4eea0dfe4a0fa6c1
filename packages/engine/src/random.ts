/**
 * The engine's only source of randomness: every number is a pure function of seed, stream, step and
 * index, so results do not depend on the order of drawing or on how rows are split among threads.
 */
import { cos, log } from './random/elementary.ts'
import { multiplyHigh, philox } from './random/philox.ts'

export { cos, exp, log, sin } from './random/elementary.ts'

/**
 * One stream of random numbers. The four methods read the same words, so a stream should serve one
 * of them only. Indices are integers from 0 to 2^51.
 */
export interface Random {
  /** Integer in [0, 2^32). */
  uint32(index: number): number
  /** Number in [0, 1) with 53 random bits. */
  uniform(index: number): number
  /** Standard normal deviate (Box–Muller, the cosine half). */
  normal(index: number): number
  /** Integer in [0, n) for n up to 2^32; its bias is below n / 2^53. */
  below(index: number, n: number): number
}

/** Streams of the engine itself, one per purpose. */
export const INITIALIZATION_STREAM = 'initialization'
export const SHUFFLE_STREAM = 'shuffle'

/**
 * Opens a stream. `seed` is taken modulo 2^64; a string names a stream by its 32-bit FNV-1a hash, a
 * number is taken modulo 2^32, and so is `step`.
 */
export function createRandom(seed: bigint, stream: string | number, step = 0): Random {
  const [keyLow, keyHigh] = seedWords(seed)
  const streamWord = streamNumber(stream)
  const block = new Uint32Array(4)

  const draw = (blockIndex: number): void => {
    block[0] = blockIndex
    block[1] = Math.floor(blockIndex / 2 ** 32)
    block[2] = step
    block[3] = streamWord
    philox(block, keyLow, keyHigh)
  }

  const uniform = (index: number): number => {
    draw(Math.floor(index / 2))
    return fraction(block, (index % 2) * 2)
  }

  return {
    uint32(index) {
      draw(Math.floor(index / 4))
      return block[index % 4] as number
    },
    uniform,
    normal(index) {
      draw(index)
      const radius = Math.sqrt(-2 * log(1 - fraction(block, 0)))
      return radius * cos(2 * Math.PI * fraction(block, 2))
    },
    below(index, n) {
      return Math.floor(uniform(index) * n)
    },
  }
}

/**
 * A random order of 0 … n-1 (Fisher–Yates from the end; position i swaps with ⌊u·(i+1)/2^32⌋, u the
 * stream's word i; the bias is below n / 2^32). [n]
 */
export function permutation(
  seed: bigint,
  stream: string | number,
  step: number,
  n: number,
): Uint32Array {
  const random = createRandom(seed, stream, step)
  const order = new Uint32Array(n).map((_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = multiplyHigh(random.uint32(i), i + 1)
    const moved = order[i] as number
    order[i] = order[j] as number
    order[j] = moved
  }
  return order
}

/** The two uint32 words of a seed, low word first. */
export function seedWords(seed: bigint): [low: number, high: number] {
  return [Number(seed & 0xffff_ffffn), Number((seed >> 32n) & 0xffff_ffffn)]
}

/** The uint32 that stands for a stream in the counter. */
export function streamNumber(stream: string | number): number {
  if (typeof stream === 'number') return stream >>> 0
  let hash = 0x811c9dc5
  for (let i = 0; i < stream.length; i++) {
    hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193)
  }
  return hash >>> 0
}

/** 53 bits of two consecutive words as a number in [0, 1). */
function fraction(block: Uint32Array, word: number): number {
  const high = (block[word] as number) >>> 5
  const low = (block[word + 1] as number) >>> 6
  return (high * 2 ** 26 + low) * 2 ** -53
}
