import { expect, it } from 'vitest'
import { BASE, resolved } from './sweep-spec.fixture.ts'
import { expectShort, toTrialSpecs } from './trial-specs.ts'

const TINY = { epochs: 5, stepsPerEpoch: 3, flopsPerEpoch: 8000 }

it('takes a training of a few small epochs for short, and one of much arithmetic for long', () => {
  expect(expectShort(resolved(), TINY)).toBeLessThan(2)
  expect(expectShort(resolved(), { ...TINY, flopsPerEpoch: 2e9 })).toBeNull()
})

it('takes very many epochs of a tiny network for long, though they hold hardly any arithmetic', () => {
  expect(expectShort(resolved(), { ...TINY, epochs: 20_000 })).toBeNull()
})

it('takes nothing for short that waits for others, or ends by a clock', () => {
  const asha = resolved({ early_termination: { type: 'asha' } })

  expect(expectShort(asha, TINY)).toBeNull()
})

it('counts the seeds of repeats on from that of the base, and from the largest on from 0', () => {
  const sweep = resolved({ base: { ...BASE, seed: Number.MAX_SAFE_INTEGER - 1 }, repeats: 4 })

  const result = toTrialSpecs(sweep, {})

  const seeds = 'specs' in result ? result.specs.map(({ seed }) => seed) : []
  expect(seeds).toEqual([Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER, 0, 1])
})
