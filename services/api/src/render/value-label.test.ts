import { expect, it } from 'vitest'
import { toValueLabel } from './value-label.ts'

it.each([
  [[{ units: 64, activation: 'relu' }, { units: 32 }], '64-32'],
  [[], 'none'],
  [{ type: 'adam', learning_rate: 0.1 }, 'adam'],
  ['relu', 'relu'],
  [0.000123456, '0.000123'],
  [true, 'true'],
  [null, 'null'],
  [Array.from({ length: 9 }, () => ({ units: 128 })), '128-128-128-128-1…'],
])('writes %j as %s', (value, label) => {
  expect(toValueLabel(value as never)).toBe(label)
})
