import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpressionError } from './parse-expression.ts'
import { type TracedNode, traceExpression } from './trace-expression.ts'

const STEP = 1e-5

const run = (source: string, variables: Record<string, number> = {}): TracedNode[] =>
  traceExpression(source, new Map(Object.entries(variables)))
const value = (source: string, variables?: Record<string, number>) =>
  run(source, variables).at(-1)?.value
const gradientOf = (text: string, nodes: readonly TracedNode[]) =>
  nodes.find((node) => node.text === text)?.gradient

describe('the lecture', () => {
  it('traces (100*2)+50: add distributes, multiply swaps', () => {
    const nodes = run('(100*2)+50')

    expect(nodes.map(({ op, text, value, gradient }) => [op, text, value, gradient])).toEqual([
      ['number', '100', 100, 2],
      ['number', '2', 2, 100],
      ['multiply', '100*2', 200, 1],
      ['number', '50', 50, 1],
      ['add', '(100*2)+50', 250, 1],
    ])
    expect(nodes.at(-1)?.inputs).toEqual([2, 3])
    expect(nodes[2]?.slopes).toEqual([2, 100])
  })

  it('routes the gradient of max(x*y, z) to the larger', () => {
    const nodes = run('max(x*y, z)', { x: 3, y: -4, z: 2 })

    expect(nodes.at(-1)).toMatchObject({ op: 'max', value: 2, slopes: [0, 1] })
    expect(['x', 'y', 'z', 'x*y'].map((text) => gradientOf(text, nodes))).toEqual([0, 0, 1, 0])
    expect(gradientOf('x', run('max(x*y, z)', { x: 3, y: 4, z: 2 }))).toBe(4)
  })

  it('adds up the gradients of a variable that is used twice', () => {
    const nodes = run('x*x + 3*x', { x: 5 })

    expect(nodes.filter(({ op }) => op === 'variable')).toHaveLength(1)
    expect(gradientOf('x', nodes)).toBe(13)
  })
})

describe('every operation', () => {
  it.each([
    'x + y',
    'x - y',
    'x * y',
    'x / y',
    '-x + y',
    'max(x, y)',
    'pow(x, y)',
    'exp(x) * y',
    'log(x) * y',
    'sin(x) * y',
    'sigmoid(x) * y',
    'tanh(x) * y',
    'relu(x) * y',
    'relu(-x) * y',
    'sigmoid(x*y - 2) / (1 + exp(-max(x, y)*tanh(x)))',
  ])('%s has the gradient that central differences see', (source) => {
    for (const at of [
      { x: 1.3, y: 0.7 },
      { x: 0.4, y: 2.2 },
    ]) {
      const nodes = run(source, at)
      for (const name of ['x', 'y'] as const) {
        const shifted = (by: number) => value(source, { ...at, [name]: at[name] + by }) ?? 0
        const numeric = (shifted(STEP) - shifted(-STEP)) / (2 * STEP)
        expect(gradientOf(name, nodes)).toBeCloseTo(numeric, 8)
      }
    }
  })

  it('has its documented slope at ties, kinks and constants', () => {
    const slopes = (source: string) => run(source).at(-1)?.slopes

    expect(slopes('max(2, 2)')).toEqual([1, 0])
    expect(slopes('relu(0)')).toEqual([0])
    expect(slopes('pow(0, 2)')).toEqual([0, 0])
    expect(slopes('pow(-3, 2)')).toEqual([-6, Number.NaN])
    expect(slopes('pow(0, 0)')?.[0]).toBe(0)
  })

  it('leaves what is not finite as float64 has it', () => {
    expect(value('1/0')).toBe(Number.POSITIVE_INFINITY)
    expect(value('log(0)')).toBe(Number.NEGATIVE_INFINITY)
    expect(value('log(-1)')).toBeNaN()
  })
})

describe('the grammar', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['10 - 4 - 3', 3],
    ['16 / 4 / 2', 2],
    ['-2 * -3', 6],
    ['--2', 2],
    ['2 - -3', 5],
    ['-pow(2, 2)', -4],
    ['.5 + 1. + 2.5e-1', 1.75],
    ['\t( ( 7 ) )\n', 7],
    ['1e3', 1000],
  ])('%s is %d', (source, wanted) => {
    expect(value(source)).toBe(wanted)
  })

  it.each([
    ['', 1, 'a number, a variable, a function or "(", the text ends'],
    ['   ', 4, 'the text ends'],
    ['1 +', 4, 'the text ends'],
    ['(1', 3, 'expected ")"'],
    ['1)', 2, 'expected an operator or the end, got ")"'],
    ['2x', 2, 'expected an operator or the end, got "x"'],
    ['1.2.3', 4, 'expected an operator or the end'],
    ['2 ^ 3', 3, '"^" has no meaning here'],
    ['max(1)', 6, 'expected ",", got ")"'],
    ['exp(1, 2)', 6, 'expected ")", got ","'],
    ['max + 1', 4, 'expected "(" after the function max'],
    ['process.exit()', 8, '"." has no meaning here'],
    ['constructor(1)', 1, '"constructor" is no function; there are max, pow'],
    ['1e999', 1, '"1e999" is too large'],
    ['x\u{1f600}', 2, '"\u{1f600}" has no meaning here'],
    ['x = 1', 3, '"=" has no meaning here'],
  ])('refuses %j at column %i', (source, column, message) => {
    expect(faultsOf(source)).toEqual([
      expect.objectContaining({ column, message: expect.stringContaining(message) }),
    ])
  })

  it('names every variable without a value and every value without a use', () => {
    expect(faultsOf('a + b*a', { a: 1, c: 2, constructor: 3 })).toEqual([
      { column: 5, variable: 'b', message: expect.stringContaining('"b" has no value') },
      { column: null, variable: 'c', message: expect.stringContaining('does not use "c"') },
      { column: null, variable: 'constructor', message: expect.stringContaining('does not use') },
    ])
    expect(value('__proto__ + constructor', { ['__proto__']: 1, constructor: 2 })).toBe(3)
  })

  it.each([
    ['brackets', `${'('.repeat(1000)}1${')'.repeat(1000)}`, 'nested'],
    ['signs', `${'-'.repeat(100_000)}1`, 'nested'],
    ['calls', `${'exp('.repeat(400)}1${')'.repeat(400)}`, 'nested'],
    ['nodes', `1${'+1'.repeat(600)}`, 'at most 1000 nodes'],
    ['nothing but brackets', '('.repeat(1_000_000), 'nested'],
  ])('is bounded in %s', (_what, source, message) => {
    expect(faultsOf(source)[0]?.message).toContain(message)
  })

  it('answers every text with a value or with a column', () => {
    const piece = fc.constantFrom(
      '(',
      ')',
      '+',
      '-',
      '*',
      '/',
      ',',
      'x',
      '2',
      '.5',
      'max',
      'log',
      ' ',
    )
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))

    fc.assert(
      fc.property(text, (source) => {
        try {
          expect(run(source, { x: 2 }).at(-1)?.value).toBeTypeOf('number')
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError)
        }
      }),
      { numRuns: 2000, seed: 3 },
    )
  })
})

function faultsOf(source: string, variables: Record<string, number> = {}) {
  try {
    run(source, { ...(/^x/.test(source) ? { x: 1 } : {}), ...variables })
  } catch (error) {
    if (error instanceof ExpressionError) return error.faults
    throw error
  }
  throw new Error(`${source.slice(0, 40)} was accepted`)
}
