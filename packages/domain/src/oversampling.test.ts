import type { FieldError, JobSpec, StoredProfile } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { largestClassRows, resolveOversample } from './oversampling.ts'

function check(training: JobSpec['training'], task: 'classification' | 'regression') {
  const errors: FieldError[] = []
  const oversample = resolveOversample({ dataset_id: 'ds_1', training }, task, errors)
  return [oversample, errors.map(({ pointer }) => pointer)]
}

it('is off unless asked for, and goes with classes, without weights of them and without a full batch', () => {
  expect(check({}, 'classification')).toEqual([false, []])
  expect(check({ oversample: true }, 'classification')).toEqual([true, []])
  expect(check({ oversample: true }, 'regression')).toEqual([true, ['#/training/oversample']])
  expect(
    check({ oversample: true, class_weight: 'balanced', batch_size: 'full' }, 'classification'),
  ).toEqual([true, ['#/training/oversample', '#/training/batch_size']])
})

it('knows the largest class of a table that was looked at whole, and bounds it otherwise', () => {
  const profile = (examined: number, ...counts: number[]) =>
    ({
      rows_examined: examined,
      classes: counts.map((count, i) => ({ name: `${i}`, count, share: count / examined })),
    }) as StoredProfile

  expect(largestClassRows(100, profile(100, 70, 30))).toBe(70)
  expect(largestClassRows(100_000, profile(32_768, 16_384, 16_384))).toBe(52_000)
  expect(largestClassRows(100_000, profile(32_768, 32_700, 68))).toBe(100_000)
  expect(largestClassRows(100, null)).toBe(100)
})
