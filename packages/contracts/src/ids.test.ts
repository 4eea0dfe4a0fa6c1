import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createId, ID_PREFIXES } from './ids.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const nouns = Object.keys(ID_PREFIXES) as (keyof typeof ID_PREFIXES)[]
/** 48 bits: until the year 10889. */
const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 })

it('sorts ids of one noun by the time they were made', () => {
  fc.assert(
    fc.property(fc.constantFrom(...nouns), timeMs, timeMs, (noun, a, b) => {
      fc.pre(a !== b)
      const [earlier, later] = [Math.min(a, b), Math.max(a, b)]
      expect(createId(noun, earlier) < createId(noun, later)).toBe(true)
    }),
  )
})

it('is a prefix and a UUIDv7 of the time in 26 characters', () => {
  fc.assert(
    fc.property(fc.constantFrom(...nouns), timeMs, (noun, nowMs) => {
      const id = createId(noun, nowMs)

      expect(id).toMatch(/^(prj|key|ds|job|evt|mdl|swp|ckpt|bp)_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
      const uuid = decode(id.slice(-26))
      expect(Number(uuid >> 80n)).toBe(nowMs)
      expect((uuid >> 76n) & 0xfn).toBe(7n)
      expect((uuid >> 62n) & 0b11n).toBe(0b10n)
    }),
  )
})

it('names the noun by its prefix', () => {
  const prefixes = nouns.map((noun) => createId(noun).split('_')[0])

  expect(prefixes).toEqual(nouns.map((noun) => ID_PREFIXES[noun]))
  expect(new Set(prefixes).size).toBe(nouns.length)
})

it('never makes the same id twice within a millisecond', () => {
  const ids = Array.from({ length: 10_000 }, () => createId('job', 1))

  expect(new Set(ids).size).toBe(10_000)
})

function decode(text: string): bigint {
  return [...text].reduce((value, digit) => value * 32n + BigInt(ALPHABET.indexOf(digit)), 0n)
}
