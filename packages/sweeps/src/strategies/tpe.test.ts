import { expect, it } from 'vitest'
import { drawParams } from '../draw-params.ts'
import { compileSpace } from '../space.ts'
import type { ScoredTrial } from './coarse-to-fine.ts'
import { suggestTpe } from './tpe.ts'

const { space } = compileSpace({
  parameters: {
    x: { distribution: 'uniform', min: -5, max: 10 },
    y: { distribution: 'uniform', min: 0, max: 15 },
  },
})

/** Branin: three minima of 0.397887 (Dixon and Szegö, 1978). */
function branin({ x, y }: { x?: unknown; y?: unknown }): number {
  const [a, b] = [x as number, y as number]
  const inner = b - (5.1 / (4 * Math.PI ** 2)) * a * a + (5 / Math.PI) * a - 6
  return inner ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) + 10
}

function search(seed: number, trials: number, isTpe: boolean): ScoredTrial[] {
  const seen: ScoredTrial[] = []
  for (let trialIndex = 0; trialIndex < trials; trialIndex++) {
    const input = { seed, trialIndex, space, constraints: [] }
    const params = (isTpe ? suggestTpe({ ...input, seen }) : drawParams(input)) ?? {}
    seen.push({ trialIndex, params, loss: branin(params) })
  }
  return seen
}

const bestOf = (trials: readonly ScoredTrial[]) => Math.min(...trials.map(({ loss }) => loss))

it('knows the minimum of Branin', () => {
  expect(branin({ x: Math.PI, y: 2.275 })).toBeCloseTo(0.397887, 5)
})

it('comes closer to the minimum of Branin than random search, in most of 20 seeds and by the median', () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i)
  const tpe = seeds.map((seed) => bestOf(search(seed, 60, true)))
  const random = seeds.map((seed) => bestOf(search(seed, 60, false)))

  const wins = seeds.filter((seed) => (tpe[seed] as number) < (random[seed] as number)).length
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[10] as number
  expect(wins).toBeGreaterThanOrEqual(14)
  expect(median(tpe)).toBeLessThan(median(random) / 1.5)
})

it('chooses the same again for what it has seen', () => {
  const seen = search(3, 30, true)

  for (let trialIndex = 0; trialIndex < 30; trialIndex++) {
    const again = suggestTpe({
      seed: 3,
      trialIndex,
      space,
      constraints: [],
      seen: seen.slice(0, trialIndex),
    })
    expect(again).toEqual(seen[trialIndex]?.params)
  }
})
