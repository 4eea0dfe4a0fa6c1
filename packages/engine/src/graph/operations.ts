import { exp, log, logistic, tanh } from '../random/elementary.ts'

export type OperationName =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'negate'
  | 'max'
  | 'pow'
  | 'exp'
  | 'log'
  | 'sin'
  | 'sigmoid'
  | 'tanh'
  | 'relu'

/** An operation on one number or two; of one, b is not looked at. */
export interface Operation {
  inputs: 1 | 2
  value(a: number, b: number): number
  /** ∂value/∂a and ∂value/∂b. */
  slopes(a: number, b: number, value: number): readonly [number, number]
}

/**
 * What a graph is made of. Add passes the gradient on to both, multiply gives each the other's value times it, max hands
 * all of it to the larger (of equal ones to the first); relu has slope 0 at 0, as in a network.
 */
export const OPERATIONS: Record<OperationName, Operation> = {
  add: { inputs: 2, value: (a, b) => a + b, slopes: () => [1, 1] },
  subtract: { inputs: 2, value: (a, b) => a - b, slopes: () => [1, -1] },
  multiply: { inputs: 2, value: (a, b) => a * b, slopes: (a, b) => [b, a] },
  divide: { inputs: 2, value: (a, b) => a / b, slopes: (_a, b, value) => [1 / b, -value / b] },
  negate: { inputs: 1, value: (a) => -a, slopes: () => [-1, 0] },
  max: { inputs: 2, value: Math.max, slopes: (a, b) => (a >= b ? [1, 0] : [0, 1]) },
  pow: { inputs: 2, value: (a, b) => a ** b, slopes: powerSlopes },
  exp: { inputs: 1, value: exp, slopes: (_a, _b, value) => [value, 0] },
  log: { inputs: 1, value: log, slopes: (a) => [1 / a, 0] },
  sin: { inputs: 1, value: Math.sin, slopes: (a) => [Math.cos(a), 0] },
  sigmoid: { inputs: 1, value: logistic, slopes: (_a, _b, value) => [value * (1 - value), 0] },
  tanh: { inputs: 1, value: tanh, slopes: (_a, _b, value) => [1 - value * value, 0] },
  relu: { inputs: 1, value: (a) => Math.max(0, a), slopes: (a) => [a > 0 ? 1 : 0, 0] },
}

/** b·a^(b-1) and a^b·ln a. A constant (b = 0, or a = 0 with b > 0) has slope 0; the second is NaN for a < 0. */
function powerSlopes(a: number, b: number, value: number): readonly [number, number] {
  return [b === 0 ? 0 : b * a ** (b - 1), a === 0 && b > 0 ? 0 : value * log(a)]
}
