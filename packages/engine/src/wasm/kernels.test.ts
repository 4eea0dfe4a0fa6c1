import { describe, expect, it } from 'vitest'
import { ACTIVATION_NAMES } from '../../test/fixtures.ts'
import { type KernelMemory, makeKernelMemory } from '../../test/kernel-memory.ts'
import { ACTIVATIONS } from '../activations/activation.ts'
import { dropoutMask, dropoutStream, dropoutThreshold } from '../layers/dropout.ts'
import { createRandom, permutation, SHUFFLE_STREAM, streamNumber } from '../random.ts'
import { ACTIVATION_CODES, JOB_ADDRESS } from './job-record.ts'
import { compileBuild, compileKernels } from './load.ts'

const SIZES = [0, 1, 3, 4, 5, 17, 63]
const BUILDS = [
  { build: 'fused', module: await compileBuild('fused') },
  { build: 'unfused', module: await compileBuild('unfused') },
] as const

const UNIFORM = createRandom(9n, 'product')
const NOISE = Float32Array.from({ length: 60_000 }, (_, i) => 2 * UNIFORM.uniform(i) - 1)
const NONE = { transposesA: false, transposesB: false, accumulates: false }

interface Product {
  m: number
  k: number
  n: number
  transposesA: boolean
  transposesB: boolean
  accumulates: boolean
}

describe.each(BUILDS)('matrix products of the $build kernels', ({ module }) => {
  it('are right for every packed form at all small sizes', () => {
    for (const m of SIZES) {
      for (const k of SIZES) {
        // A fresh memory now and then keeps the blocks of earlier shapes from piling up.
        const memory = makeKernelMemory(module)
        for (const n of SIZES) {
          const forms = [
            { transposesA: false, transposesB: false, accumulates: true },
            { transposesA: true, transposesB: false, accumulates: false },
            { transposesA: false, transposesB: true, accumulates: false },
          ]
          for (const form of forms) expectPacked(memory, { m, k, n, ...form })
        }
        expect(memory.isIntact()).toBe(true)
      }
    }
  })

  it('add blocks beyond the packed depth, rows and columns', () => {
    const plain = { transposesA: false, transposesB: false, accumulates: true }
    expectPacked(makeKernelMemory(module), { m: 197, k: 259, n: 13, ...plain })
    expectPacked(makeKernelMemory(module), { m: 7, k: 5, n: 1029, ...plain })
  })

  it('are right for the direct forms at all small sizes', () => {
    for (const m of SIZES) {
      for (const k of SIZES) {
        const memory = makeKernelMemory(module)
        for (const n of [0, 4, 8, 20, 36, 64]) {
          expectDirect(memory, { m, k, n, ...NONE, accumulates: true })
          expectDirect(memory, { m, k, n, ...NONE, transposesA: true })
        }
        expect(memory.isIntact()).toBe(true)
      }
    }
  })

  it('transpose weights of any shape, with zeros in the padding', () => {
    for (const rows of SIZES) {
      for (const columns of SIZES) {
        const memory = makeKernelMemory(module)
        const stride = 4 * Math.ceil(columns / 4)
        const padded = 4 * Math.ceil(rows / 4)
        const source = memory.take(Float32Array.from({ length: rows * stride }, (_, i) => i + 1))
        const target = memory.take(new Float32Array(columns * padded).fill(-1))

        memory.kernels.transpose(source.address, 4 * stride, rows, columns, target.address)

        const expected = Array.from({ length: columns * padded }, (_, at) => {
          const [j, i] = [Math.floor(at / padded), at % padded]
          return i < rows ? i * stride + j + 1 : 0
        })
        expect([...target.values]).toEqual(expected)
        expect(memory.isIntact()).toBe(true)
      }
    }
  })

  it('keep a NaN in its row and column', () => {
    const memory = makeKernelMemory(module)
    const a = memory.take([1, 2, Number.NaN, 4])
    const b = memory.take([1, 0, 0, 0, 0, 1, 0, 0])
    const c = memory.take(new Float32Array(8))

    memory.kernels.multiplyDirect(2, 4, 2, a.address, 8, b.address, 16, c.address, 16, 0)

    expect([...c.values.subarray(0, 4)]).toEqual([1, 2, 0, 0])
    expect(c.values[4]).toBeNaN()
  })
})

describe.each(BUILDS)('activations of the $build kernels', ({ module }) => {
  it.each(ACTIVATION_NAMES)('compute %s and its derivative at all small sizes', (name) => {
    for (const size of SIZES) {
      const memory = makeKernelMemory(module)
      const random = createRandom(3n, 'activation', size)
      const z = Array.from({ length: size }, (_, i) => 6 * random.normal(i))
      const padded = 4 * Math.ceil(size / 4)
      const sums = memory.take(pad(z, padded))
      const outputs = memory.take(new Float32Array(padded))
      const delta = memory.take(new Float32Array(padded).fill(1))
      const [code, from, to] = [ACTIVATION_CODES[name], sums.address, outputs.address]

      memory.kernels.applyActivation(code, from, to, padded)
      memory.kernels.applyActivationDerivative(code, from, to, delta.address, padded)

      for (const [i, value] of z.entries()) {
        const single = Math.fround(value)
        const a = ACTIVATIONS[name].value(single)
        expectNear(outputs.values[i], a, 5e-7)
        expectNear(delta.values[i], ACTIVATIONS[name].derivative(a, single), 5e-7)
      }
      expect(memory.isIntact()).toBe(true)
    }
  })

  it.each([
    ['linear', [Number.NaN, -Infinity, Infinity, -0]],
    ['relu', [Number.NaN, 0, Infinity, 0]],
    ['tanh', [Number.NaN, -1, 1, 0]],
    ['sigmoid', [Number.NaN, 0, 1, 0.5]],
    ['step', [Number.NaN, 0, 1, 1]],
    ['leaky_relu', [Number.NaN, -Infinity, Infinity, 0]],
    ['elu', [Number.NaN, -1, Infinity, 0]],
    ['selu', [Number.NaN, Math.fround(-1.7580993408473766), Infinity, 0]],
    ['gelu', [Number.NaN, 0, Infinity, 0]],
    ['silu', [Number.NaN, 0, Infinity, 0]],
    ['softplus', [Number.NaN, 0, Infinity, Math.fround(Math.LN2)]],
  ] as const)('pass NaN and saturate at infinity in %s', (name, expected) => {
    const memory = makeKernelMemory(module)
    const { address, values } = memory.take([Number.NaN, -Infinity, Infinity, -0])

    memory.kernels.applyActivation(ACTIVATION_CODES[name], address, address, 4)

    expect(values[0]).toBeNaN()
    for (const i of [1, 2, 3]) expect(values[i]).toBeCloseTo(expected[i] as number, 30)
  })
})

describe.each(BUILDS)('dropout of the $build kernels', ({ module }) => {
  it.each([0, 0.1, 0.5, 0.999])('draws the masks of the reference at rate %d', (rate) => {
    for (const [rows, units] of [
      [1, 1],
      [3, 5],
      [4, 4],
      [17, 63],
    ] as const) {
      const memory = makeKernelMemory(module)
      const pass = { seed: 0xfedc_ba98_7654_3210n, step: 70_000 }
      memory.setSeed(pass.seed, SHUFFLE_STREAM)
      const stride = 4 * Math.ceil(units / 4)
      const mask = memory.take(new Float32Array(16 * Math.ceil((rows * stride) / 16)))
      const stream = dropoutStream(2)
      const [code, threshold] = [streamNumber(stream), dropoutThreshold(rate)]

      memory.kernels.drawMask(mask.address, 0, rows * stride, code, pass.step, threshold)

      const expected = dropoutMask(pass, stream, rows, units, rate)
      for (let row = 0; row < rows; row++) {
        const actual = mask.values.subarray(row * stride, row * stride + units)
        expect(actual).toEqual(Float32Array.from(expected.row(row)))
      }
      expect(memory.isIntact()).toBe(true)
    }
  })
})

describe.each(BUILDS)('the order of the $build kernels', ({ module }) => {
  it.each([0, 1, 3, 4, 5, 17, 63])('is the permutation of %i rows', (rows) => {
    const memory = makeKernelMemory(module)
    const seed = 0xfedc_ba98_7654_3210n
    memory.setSeed(seed, SHUFFLE_STREAM)
    const { address, values } = memory.take(new Float32Array(rows))
    const order = new Uint32Array(values.buffer, address, rows)

    memory.kernels.identityOrder(address, rows)
    memory.kernels.shuffleOrder(address, rows, 3)

    expect([...order]).toEqual([...permutation(seed, SHUFFLE_STREAM, 3, rows)])
  })
})

describe('the compiled modules', () => {
  it.each(BUILDS)('leave the job record free of static data ($build)', ({ module }) => {
    const { kernels } = makeKernelMemory(module)

    expect(kernels.staticEnd.value).toBeLessThanOrEqual(JOB_ADDRESS)
  })

  it('are chosen by what the machine rounds', async () => {
    const [fused, unfused] = BUILDS.map(({ module }) => makeKernelMemory(module).kernels)

    expect(unfused?.roundsOnce()).toBe(0)
    expect((await compileKernels()).fused).toBe(fused?.roundsOnce() === 1)
  })

  it('are compiled once', async () => {
    expect((await compileKernels()).module).toBe((await compileKernels()).module)
  })
})

function expectPacked(memory: KernelMemory, product: Product): void {
  const { m, k, n, transposesA, transposesB, accumulates } = product
  const { a, b, c, expected } = makeProduct(memory, product, n)
  memory.kernels.multiplyPacked(
    Number(transposesA),
    Number(transposesB),
    m,
    n,
    k,
    a.address,
    4 * (transposesA ? m : k),
    b.address,
    4 * (transposesB ? k : n),
    c.address,
    4 * n,
    Number(accumulates),
  )
  expectProduct(c.values, expected)
}

function expectDirect(memory: KernelMemory, product: Product): void {
  const { m, k, n, transposesA, accumulates } = product
  const { a, b, c, expected } = makeProduct(memory, product, n)
  const { kernels } = memory
  if (transposesA) {
    const [strideA, stride] = [4 * m, 4 * n]
    kernels.multiplyDirectTransposed(
      m,
      n,
      k,
      a.address,
      strideA,
      b.address,
      stride,
      c.address,
      stride,
    )
  } else {
    const [strideA, stride, flag] = [4 * k, 4 * n, Number(accumulates)]
    kernels.multiplyDirect(m, n, k, a.address, strideA, b.address, stride, c.address, stride, flag)
  }
  expectProduct(c.values, expected)
}

/** Operands in memory and the float64 product with, per value, the sum of the magnitudes added. */
function makeProduct(memory: KernelMemory, product: Product, n: number) {
  const { m, k, transposesA, transposesB, accumulates } = product
  const a = memory.take(NOISE.subarray(0, m * k))
  const b = memory.take(NOISE.subarray(1000, 1000 + k * n))
  const c = memory.take(NOISE.subarray(2000, 2000 + m * n))
  const expected = Array.from(c.values, (before, index) => {
    const [i, j] = [Math.floor(index / n), index % n]
    let value = accumulates ? before : 0
    let magnitude = Math.abs(value)
    for (let p = 0; p < k; p++) {
      const left = a.values[transposesA ? p * m + i : i * k + p] as number
      const right = b.values[transposesB ? j * k + p : p * n + j] as number
      value += left * right
      magnitude += Math.abs(left * right)
    }
    return { value, magnitude }
  })
  return { a, b, c, expected }
}

function expectProduct(
  actual: Float32Array,
  expected: readonly { value: number; magnitude: number }[],
): void {
  let worst = 0
  for (const [i, { value, magnitude }] of expected.entries()) {
    const error = Math.abs((actual[i] as number) - value)
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error / Math.max(magnitude, 1e-3))
  }
  expect(worst).toBeLessThan(2e-6)
}

function expectNear(actual: number | undefined, expected: number, tolerance: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(
    tolerance * Math.max(1, Math.abs(expected)),
  )
}

function pad(values: readonly number[], length: number): Float32Array {
  const padded = new Float32Array(length)
  padded.set(values)
  return padded
}
