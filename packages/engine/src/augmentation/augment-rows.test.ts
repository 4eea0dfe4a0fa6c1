import { describe, expect, it } from 'vitest'
import { drain, makeConfig, makeData, makeOptions, OPTIMIZERS } from '../../test/fixtures.ts'
import { createNetwork } from '../network.ts'
import { train } from '../train.ts'
import { openArena } from '../wasm/arena.ts'
import { JobMemory } from '../wasm/job-memory.ts'
import { instantiateKernels } from '../wasm/kernels.ts'
import { compileBuild } from '../wasm/load.ts'
import { mapMemory } from '../wasm/memory-map.ts'
import { writeJob, writeNetwork } from '../wasm/write-record.ts'
import { augmentRows } from './augment-rows.ts'
import type { Augmentation, ImageShape, RowOperation } from './augmentation.ts'

const SEED = 0x123456789abcdefn
const IMAGE: ImageShape = { height: 4, width: 5, channels: 2 }
const EVERY_OPERATION: RowOperation[] = [
  { type: 'shift', pixels: 2 },
  { type: 'flip', axis: 'horizontal' },
  { type: 'flip', axis: 'vertical' },
  { type: 'rotate', degrees: 30 },
  { type: 'crop', pixels: 1 },
  { type: 'gaussian_noise', std: 0.3 },
  { type: 'feature_drop', rate: 0.2 },
]

const of = (
  operations: RowOperation[],
  image: ImageShape | null = null,
  mixup: number | null = null,
): Augmentation => ({ operations, image, mixup })

/** All rows of one operation on rows that are all the same. */
function repeat(row: readonly number[], rows: number, augmentation: Augmentation, epoch = 1) {
  const inputs = Float32Array.from(
    { length: rows * row.length },
    (_, i) => row[i % row.length] ?? 0,
  )
  const augment = augmentRows({ inputs, rows }, augmentation, SEED, epoch)
  return Array.from({ length: rows }, (_, index) => [...augment(index).inputs])
}

describe('gaussian_noise', () => {
  it('adds deviates of mean 0 and the standard deviation asked for, in normal shares', () => {
    const noise = repeat([5, 5, 5, 5, 5], 20_000, of([{ type: 'gaussian_noise', std: 0.5 }]))
      .flat()
      .map((value) => (value - 5) / 0.5)

    const mean = noise.reduce((sum, n) => sum + n, 0) / noise.length
    const variance = noise.reduce((sum, n) => sum + n * n, 0) / noise.length
    const within = (bound: number) => noise.filter((n) => Math.abs(n) < bound).length / noise.length
    expect(Math.abs(mean)).toBeLessThan(0.01)
    expect(Math.abs(variance - 1)).toBeLessThan(0.02)
    expect(within(1)).toBeCloseTo(0.6827, 2)
    expect(within(2)).toBeCloseTo(0.9545, 2)
    expect(new Set(noise).size).toBeGreaterThan(0.98 * noise.length)
  })

  it('draws the inputs of a row and the rows of a column independently', () => {
    const rows = repeat([0, 0, 0, 0, 0], 20_000, of([{ type: 'gaussian_noise', std: 1 }]))
    const correlation = (pairs: [number, number][]) =>
      Math.abs(pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length)
    const at = (row: number, column: number) => rows[row]?.[column] ?? Number.NaN

    for (const column of [1, 2, 3, 4]) {
      expect(correlation(rows.map((_, row) => [at(row, 0), at(row, column)]))).toBeLessThan(0.03)
    }
    expect(correlation(rows.slice(1).map((_, row) => [at(row, 4), at(row + 1, 0)]))).toBeLessThan(
      0.03,
    )
  })
})

describe('feature_drop', () => {
  it('clears the share asked for and leaves the rest as it was', () => {
    const values = repeat([2, 3, 4], 20_000, of([{ type: 'feature_drop', rate: 0.3 }]))

    const dropped = values.flat().filter((value) => value === 0).length
    expect(dropped / 60_000).toBeCloseTo(0.3, 2)
    expect(values.every((row) => row.every((value, i) => value === 0 || value === i + 2))).toBe(
      true,
    )
  })
})

describe('operations on images', () => {
  const shape: ImageShape = { height: 2, width: 3, channels: 1 }
  const image = [1, 2, 3, 4, 5, 6]
  const kinds = (operation: RowOperation, pixels = image, of3 = shape) => {
    const rows = repeat(pixels, 400, of([operation], of3))
    return [...new Set(rows.map((row) => row.join(' ')))].sort()
  }

  it('flips left and right, or top and bottom, every second row', () => {
    expect(kinds({ type: 'flip', axis: 'horizontal' })).toEqual(['1 2 3 4 5 6', '3 2 1 6 5 4'])
    expect(kinds({ type: 'flip', axis: 'vertical' })).toEqual(['1 2 3 4 5 6', '4 5 6 1 2 3'])
    const flipped = repeat(image, 2000, of([{ type: 'flip', axis: 'vertical' }], shape))
    expect(flipped.filter(([first]) => first === 4).length / 2000).toBeCloseTo(0.5, 1)
  })

  it('shifts by every whole step up to the limit and fills with zeros', () => {
    expect(kinds({ type: 'shift', pixels: 1 })).toEqual([
      '0 0 0 0 1 2',
      '0 0 0 1 2 3',
      '0 0 0 2 3 0',
      '0 1 2 0 4 5',
      '0 4 5 0 0 0',
      '1 2 3 4 5 6',
      '2 3 0 5 6 0',
      '4 5 6 0 0 0',
      '5 6 0 0 0 0',
    ])
  })

  it('never shifts all of the image away', () => {
    const line = { height: 1, width: 3, channels: 1 }

    expect(kinds({ type: 'shift', pixels: 9 }, [1, 2, 3], line)).toEqual([
      '0 0 1',
      '0 1 2',
      '1 2 3',
      '2 3 0',
      '3 0 0',
    ])
  })

  it('keeps the channels of a pixel together', () => {
    const line = { height: 1, width: 2, channels: 2 }

    expect(kinds({ type: 'flip', axis: 'horizontal' }, [1, 2, 3, 4], line)).toEqual([
      '1 2 3 4',
      '3 4 1 2',
    ])
  })

  it('stretches a window to the whole image', () => {
    const line = { height: 1, width: 3, channels: 1 }

    expect(kinds({ type: 'crop', pixels: 1 }, [1, 2, 4], line)).toEqual(['1 1.5 2', '2 3 4'])
  })

  it('turns about the centre, which stays, between the pixels around it', () => {
    const square = { height: 3, width: 3, channels: 1 }
    const turned = (pixels: number[]) =>
      repeat(pixels, 500, of([{ type: 'rotate', degrees: 90 }], square))
    const rows = turned([0, 1, 0, 0, 0, 0, 0, 0, 0])

    expect(turned([0, 0, 0, 0, 7, 0, 0, 0, 0]).every((row) => row[4] === 7)).toBe(true)
    const [above, left, right, under] = [1, 3, 5, 7].map((i) =>
      Math.max(...rows.map((row) => row[i] ?? 0)),
    )
    // The pixel above the centre reaches both sides, by up to a quarter turn, and never what is below.
    expect(above).toBeGreaterThan(0.99)
    expect(left).toBeGreaterThan(0.95)
    expect(right).toBeGreaterThan(0.95)
    expect(under).toBeLessThan(1e-6)
  })
})

describe('mixup', () => {
  const config = makeConfig({ inputs: 3, hidden: [], outputs: 1 })
  const data = makeData(config, 20_000)
  const mix = (alpha: number) => {
    const augment = augmentRows(data, of([], null, alpha), SEED, 1)
    return Array.from({ length: data.rows }, (_, row) => {
      const { inputs, mixed } = augment(row)
      return { row, inputs, partner: mixed?.partner ?? -1, share: mixed?.share ?? Number.NaN }
    })
  }

  it.each([0.05, 0.2, 1, 1.5, 8, 1000])('draws shares from Beta(α, α) for α = %f', (alpha) => {
    const shares = mix(alpha).map(({ share }) => share)

    const moment = (power: number) =>
      shares.reduce((sum, share) => sum + (share - 0.5) ** power, 0) / shares.length
    // Variance 1/(4(2α + 1)) and kurtosis 3(2α + 1)/(2α + 3); the distribution is even about ½.
    const variance = 1 / (4 * (2 * alpha + 1))
    expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(variance / shares.length))
    expect(moment(2) / variance).toBeCloseTo(1, 1)
    expect(moment(4) / moment(2) ** 2).toBeCloseTo((3 * (2 * alpha + 1)) / (2 * alpha + 3), 0)
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
  })

  it('mixes each row with any other by its share', () => {
    const rows = mix(1)

    for (const { row, inputs, partner, share } of rows.slice(0, 100)) {
      const [own, other] = [row, partner].map((at) => data.inputs.subarray(3 * at, 3 * at + 3))
      for (const [i, value] of inputs.entries()) {
        expect(value).toBeCloseTo(share * (own?.[i] ?? 0) + (1 - share) * (other?.[i] ?? 0), 6)
      }
    }
    const partners = rows.map(({ partner }) => partner)
    expect(Math.min(...partners)).toBeLessThan(20)
    expect(Math.max(...partners)).toBeGreaterThan(data.rows - 20)
    // Drawn with replacement: 1 - 1/e of all rows.
    expect(new Set(partners).size / data.rows).toBeCloseTo(0.632, 1)
  })

  it('counts a row as right by its own target', async () => {
    const config = makeConfig({ inputs: 2, hidden: [], outputs: 2, loss: 'cross_entropy' })
    const training = makeData(config, 50)
    const augmentation = of([], null, 1)
    const network = await createNetwork(config, { seed: 1n })
    const options = makeOptions(training, { augmentation, epochs: 1, batchSize: 50 })
    const augment = augmentRows(training, augmentation, options.seed, 1)
    const mixed = Float32Array.from(
      Array.from({ length: 50 }, (_, row) => [...augment(row).inputs]).flat(),
    )
    const logits = network.predict(mixed, 50)
    const right = training.targets.filter(
      (target, row) => target === Number((logits[2 * row + 1] ?? 0) > (logits[2 * row] ?? 0)),
    )

    const [epoch] = drain(train(network, options)).yielded

    expect(epoch?.trainAccuracy).toBe(right.length / 50)
  })
})

describe('a row of an epoch', () => {
  const config = makeConfig({ inputs: 40, hidden: [], outputs: 1 })
  const data = makeData(config, 6)
  const rowsOf = (seed: bigint, epoch: number) => {
    const augment = augmentRows(data, of(EVERY_OPERATION, IMAGE), seed, epoch)
    return [3, 0, 5].map((row) => [...augment(row).inputs])
  }

  it('is the same whenever it is made, and another in another epoch or by another seed', () => {
    const rows = rowsOf(SEED, 2)

    expect(rowsOf(SEED, 2)).toEqual(rows)
    const augment = augmentRows(data, of(EVERY_OPERATION, IMAGE), SEED, 2)
    expect([...augment(5).inputs]).toEqual(rows[2])
    for (const others of [rowsOf(SEED, 3), rowsOf(SEED + 1n, 2)]) {
      for (const [i, row] of others.entries()) expect(row).not.toEqual(rows[i])
    }
  })

  it('leaves the data as it was', () => {
    const before = data.inputs.slice()
    rowsOf(SEED, 1)

    expect(data.inputs).toEqual(before)
  })
})

describe.each(['fused', 'unfused'] as const)('the %s kernels', (build) => {
  it.each([
    ...EVERY_OPERATION.map((operation) => [operation.type, [operation]] as const),
    ['everything', EVERY_OPERATION] as const,
    ['mixup of noisy rows', [EVERY_OPERATION[5]] as RowOperation[], 0.3] as const,
    ['mixup, nearly even', [] as RowOperation[], 40] as const,
    ['noise twice', [EVERY_OPERATION[5], EVERY_OPERATION[5]] as RowOperation[]] as const,
  ])('train on the same bits: %s', async (_name, operations, mixup: number | null = null) => {
    const image = { height: 3, width: 7, channels: 3 }
    const inputs = 63
    const config = makeConfig({ inputs, hidden: [3], outputs: 1 })
    const training = makeData(config, 50)
    const augmentation = of([...operations], image, mixup)
    const kernels = await compileBuild(build)

    for (const epoch of [1, 1000]) {
      const augment = augmentRows(training, augmentation, SEED, epoch)
      const expected = Float32Array.from(
        Array.from({ length: 50 }, (_, row) => [...augment(row).inputs]).flat(),
      )
      expect(readBatch(kernels, config, training, augmentation, epoch)).toEqual(expected)
      expect(expected).not.toEqual(training.inputs)
    }
  })
})

describe('training', () => {
  const config = makeConfig({ inputs: 40, hidden: [6], outputs: 3, loss: 'cross_entropy' })
  const validation = makeData(config, 9, 2n)
  const options = makeOptions(makeData(config, 30), { optimizer: OPTIMIZERS.adam, validation })
  const run = async (augmentation: Augmentation | null) => {
    const network = await createNetwork(config, { seed: 1n })
    return { ...drain(train(network, { ...options, augmentation })), weights: network.weights() }
  }

  it('ends at other weights, the same each time', async () => {
    const augmented = of(EVERY_OPERATION, IMAGE)
    const [plain, first, second] = [await run(null), await run(augmented), await run(augmented)]

    expect(first.weights).not.toEqual(plain.weights)
    expect(second.weights).toEqual(first.weights)
  })

  it('measures validation on the rows as they are', async () => {
    const network = await createNetwork(config, { seed: 1n })
    const augmentation = of([{ type: 'gaussian_noise', std: 50 }])
    // Nothing is learnt, so that both networks are the same when they are validated.
    const optimizer = { type: 'sgd', learningRate: 1e-30 } as const
    const [augmented] = drain(train(network, { ...options, optimizer, augmentation })).yielded
    const [plain] = drain(train(network, { ...options, optimizer })).yielded

    expect(augmented?.validationLoss).toBe(plain?.validationLoss)
    expect(augmented?.trainLoss).not.toBeCloseTo(plain?.trainLoss ?? Number.NaN, 2)
  })

  it.each([
    of([{ type: 'gaussian_noise', std: 0 }]),
    of([{ type: 'feature_drop', rate: 1 }]),
    of([{ type: 'shift', pixels: 1.5 }], IMAGE),
    of([{ type: 'rotate', degrees: 181 }], IMAGE),
    of([{ type: 'crop', pixels: 1 }]),
    of([], { height: 4, width: 5, channels: 1 }),
    of([], null, 0),
  ])('refuses %j', async (augmentation) => {
    await expect(run(augmentation)).rejects.toMatchObject({ code: 'invalid_options' })
  })
})

/** The inputs of a batch of all rows after the kernels have trained on it. [rows, inputs] */
function readBatch(
  module: WebAssembly.Module,
  config: ReturnType<typeof makeConfig>,
  training: ReturnType<typeof makeData>,
  augmentation: Augmentation,
  epoch: number,
): Float32Array {
  const batchSize = training.rows
  const options = { network: config, optimizer: 'sgd', batchSize, augmentation } as const
  const map = mapMemory({ ...options, trainingRows: training.rows, validationRows: 0 })
  const arena = openArena(map.bytes)
  try {
    const memory = new JobMemory(arena.memory, map)
    writeNetwork(memory, config)
    writeJob(memory, config, {
      ...{ training, validation: null, augmentation, batchSize, seed: SEED, shuffle: false },
      ...{ optimizer: { type: 'sgd', learningRate: 0.1 }, regularization: null },
      ...{ gradientClip: null, onBatch: null, team: null, observes: null },
    })
    const kernels = instantiateKernels(module, arena.memory, null)
    kernels.beginEpoch(epoch)
    expect(kernels.trainEpoch(epoch, 0)).toBe(0)
    return memory.readRows(map.batchInputs, batchSize, config.inputs, map.inputStride)
  } finally {
    arena.release()
  }
}
