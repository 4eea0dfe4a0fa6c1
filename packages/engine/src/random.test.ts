import { describe, expect, it } from 'vitest'
import { logistic, tanh } from './random/elementary.ts'
import { multiplyHigh, philox } from './random/philox.ts'
import { cos, createRandom, exp, log, permutation, sin } from './random.ts'

/** Distance in units of the last place of the expected value. */
function ulps(actual: number, expected: number): number {
  const unit = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(expected), 2 ** -1022))) - 52)
  return Math.abs(actual - expected) / unit
}

describe('philox', () => {
  // Known answers published with the reference implementation (Random123, kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('maps counter %j and key %j to the published block', (counter, key, expected) => {
    const block = Uint32Array.from(counter)

    philox(block, key[0] as number, key[1] as number)

    expect([...block]).toEqual(expected)
  })

  it('multiplies 32-bit words exactly', () => {
    const random = createRandom(1n, 'words')
    for (let i = 0; i < 1000; i++) {
      const a = random.uint32(2 * i)
      const b = random.uint32(2 * i + 1)
      expect(multiplyHigh(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n))
    }
    expect(multiplyHigh(0xffffffff, 0xffffffff)).toBe(0xfffffffe)
  })
})

describe('createRandom', () => {
  it('gives the same numbers in any order of drawing', () => {
    const forward = createRandom(5n, 'order')
    const backward = createRandom(5n, 'order')

    const ascending = [0, 1, 2, 3, 4, 5].map((i) => forward.uniform(i))
    const descending = [5, 4, 3, 2, 1, 0].map((i) => backward.uniform(i)).reverse()

    expect(descending).toEqual(ascending)
  })

  it('keeps its golden values', () => {
    const random = createRandom(0x0123456789abcdefn, 'golden', 3)

    expect([0, 1, 2, 5].map((i) => random.uint32(i))).toMatchInlineSnapshot(`
      [
        596030145,
        1259205780,
        1354854713,
        2042679364,
      ]
    `)
    expect([0, 1].map((i) => random.uniform(i))).toMatchInlineSnapshot(`
      [
        0.1387740842490024,
        0.3154516944233382,
      ]
    `)
    expect([0, 1, 2].map((i) => random.normal(i))).toMatchInlineSnapshot(`
      [
        -0.2185131133936833,
        -0.2920268474738301,
        0.3469875443363459,
      ]
    `)
    expect([0, 1, 2, 3].map((i) => random.below(i, 10))).toMatchInlineSnapshot(`
      [
        1,
        3,
        8,
        7,
      ]
    `)
  })

  it('separates seeds beyond 32 bits, streams and steps', () => {
    const first = [
      createRandom(1n, 'a'),
      createRandom(1n + 2n ** 32n, 'a'),
      createRandom(1n, 'b'),
      createRandom(1n, 'a', 1),
    ].map((random) => random.uint32(0))

    expect(new Set(first).size).toBe(4)
  })

  it('draws uniforms with mean 1/2 and variance 1/12', () => {
    const random = createRandom(11n, 'moments')
    const values = Array.from({ length: 20000 }, (_, i) => random.uniform(i))

    expect(mean(values)).toBeCloseTo(0.5, 2)
    expect(mean(values.map((v) => (v - 0.5) ** 2))).toBeCloseTo(1 / 12, 2)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
  })

  it('draws normals with mean 0, variance 1 and kurtosis 3', () => {
    const random = createRandom(12n, 'moments')
    const values = Array.from({ length: 40000 }, (_, i) => random.normal(i))

    expect(Math.abs(mean(values))).toBeLessThan(0.02)
    expect(mean(values.map((v) => v ** 2))).toBeCloseTo(1, 1)
    expect(Math.abs(mean(values.map((v) => v ** 4)) - 3)).toBeLessThan(0.15)
  })

  it('draws every integer below n about equally often', () => {
    const random = createRandom(13n, 'below')
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 7000; i++) {
      const value = random.below(i, 7)
      counts[value] = (counts[value] ?? 0) + 1
    }

    expect(counts).toHaveLength(7)
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })
})

describe('permutation', () => {
  it.each([0, 1, 2, 3, 4, 5, 63, 1000])('holds each of %i positions once', (n) => {
    const order = permutation(3n, 'p', 1, n)

    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
  })

  it('keeps its golden value', () => {
    expect([...permutation(42n, 'shuffle', 1, 10)]).toMatchInlineSnapshot(`
      [
        4,
        2,
        0,
        6,
        9,
        8,
        7,
        3,
        5,
        1,
      ]
    `)
  })

  it('visits all orders of three about equally often', () => {
    const counts = new Map<string, number>()
    for (let step = 0; step < 6000; step++) {
      const order = permutation(1n, 'p', step, 3).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }

    expect(counts.size).toBe(6)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })
})

describe('elementary functions', () => {
  const random = createRandom(21n, 'arguments')
  const sample = (limit: number) =>
    Array.from({ length: 2000 }, (_, i) => limit * (2 * random.uniform(i) - 1))

  it.each([
    ['exp', exp, Math.exp, sample(700)],
    ['log', log, Math.log, sample(1e6).map(Math.abs)],
    ['log near 1', log, Math.log, sample(0.01).map((x) => 1 + x)],
    ['sin', sin, Math.sin, sample(1e6)],
    ['cos', cos, Math.cos, sample(1e6)],
    ['tanh', tanh, Math.tanh, sample(4)],
    ['tanh near 0', tanh, Math.tanh, sample(1e-3)],
  ] as const)('%s is within a few units in the last place', (name, ours, theirs, xs) => {
    const limit = name.startsWith('tanh') ? 4 : 1
    for (const x of xs) expect(ulps(ours(x), theirs(x))).toBeLessThanOrEqual(limit)
  })

  it('keeps special values', () => {
    expect([Number.NaN, -Infinity, 0, Infinity, -746, 710].map(exp)).toEqual([
      Number.NaN,
      0,
      1,
      Infinity,
      0,
      Infinity,
    ])
    expect([Number.NaN, -1, 0, 1, Infinity].map(log)).toEqual([
      Number.NaN,
      Number.NaN,
      -Infinity,
      0,
      Infinity,
    ])
    expect([Number.NaN, -Infinity, 0, Infinity].map(tanh)).toEqual([Number.NaN, -1, 0, 1])
    expect([Number.NaN, -Infinity, 0, Infinity].map(logistic)).toEqual([Number.NaN, 0, 0.5, 1])
    expect([Number.NaN, Infinity].map(sin)).toEqual([Number.NaN, Number.NaN])
  })

  it('reaches the smallest subnormal', () => {
    expect(exp(-745)).toBe(Math.exp(-745))
    expect(log(5e-324)).toBeCloseTo(Math.log(5e-324), 10)
  })
})

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}
