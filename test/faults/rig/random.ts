import { philox } from '../../../packages/engine/src/random/philox.ts'

export interface Random {
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  pick<Item>(items: readonly Item[]): Item
}

/** The same numbers for the same seed: what a campaign does can be done again. */
export function seededRandom(seed: number): Random {
  let count = 0
  const next = () => {
    const block = Uint32Array.of(count++, 0, 0, 0)
    philox(block, seed, 0)
    return (block[0] ?? 0) / 2 ** 32
  }
  return {
    between: (low, high) => low + next() * (high - low),
    pick(items) {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    },
  }
}
