import { expect, it } from 'vitest'
import { DEATHS_MAX, judgeDeath, SUSPECT_DEATHS } from './judge-death.ts'

it('tries again at once after one death, later after more, and blames the job for the fifth', () => {
  const judged = [0, 1, 2, 3, 4, 5].map(judgeDeath)

  expect(judged).toEqual([
    { verdict: 'again', backoffSeconds: 0 },
    { verdict: 'again', backoffSeconds: 0 },
    { verdict: 'again', backoffSeconds: 10 },
    { verdict: 'again', backoffSeconds: 60 },
    { verdict: 'again', backoffSeconds: 60 },
    { verdict: 'guilty' },
  ])
})

it('blames nobody who has not died three times alone', () => {
  expect(DEATHS_MAX - SUSPECT_DEATHS).toBe(3)
})
