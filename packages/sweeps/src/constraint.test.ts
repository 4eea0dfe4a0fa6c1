import { expect, it } from 'vitest'
import { ConstraintError, parseConstraint } from './constraint.ts'

const NAMES = [
  'model.hidden',
  'training.optimizer.learning_rate',
  'training.optimizer.type',
  'training.batch_size',
]
const PARAMS = {
  'model.hidden': [{ units: 32 }, { units: 16 }],
  'training.optimizer.learning_rate': 0.01,
  'training.optimizer.type': 'adam',
}

it.each([
  ['sum(hidden) <= 48', true],
  ['sum(model.hidden) < 48', false],
  ['len(hidden) == 2 and max(hidden) == 32', true],
  ['learning_rate * 100 + 1 == 2', true],
  ['1 - 2 - 3 == -4', true],
  ['2 + 3 * 4 == 14 && (2 + 3) * 4 == 20', true],
  ['type == \'adam\' or type == "sgd"', true],
  ['not type != "adam"', true],
  ['!(learning_rate > 1e-1)', true],
  ['log(learning_rate) < -4.6 and log(learning_rate) > -4.7', true],
  ['true or false', true],
])('evaluates %s', (text, expected) => {
  expect(parseConstraint(text, NAMES).evaluate(PARAMS)).toBe(expected)
})

it('says nothing about a trial that lacks what it names', () => {
  expect(parseConstraint('batch_size < 8', NAMES).evaluate(PARAMS)).toBeNull()
})

it('reads fields of the base', () => {
  const base = (path: string) => (path === 'training.epochs' ? 50 : undefined)

  expect(parseConstraint('training.epochs * learning_rate < 1', NAMES, base).evaluate(PARAMS)).toBe(
    true,
  )
})

it.each([
  ['', 'column 1'],
  ['sum(hidden', 'column 11'],
  ['sum hidden', 'column 1'],
  ['learning_rate <', 'column 16'],
  ['learning_rate ; 3', 'column 14'],
  ['eval("1")', 'is no function'],
  ['constructor("1")', 'is no function'],
  ['units < 3', 'not a parameter'],
  [`${'('.repeat(60)}1`, 'nested'],
])('refuses %s', (text, message) => {
  expect(() => parseConstraint(text, NAMES)).toThrow(ConstraintError)
  expect(() => parseConstraint(text, NAMES)).toThrow(message)
})

it('refuses to compare what is no number', () => {
  expect(() => parseConstraint('type < 3', NAMES).evaluate(PARAMS)).toThrow(ConstraintError)
})
