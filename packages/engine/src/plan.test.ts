import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeConfig } from '../test/fixtures.ts'
import { type PlanInput, planNetwork, resolveInitializer } from './plan.ts'
import { ENGINE_VERSION } from './version.ts'
import { JOB_ADDRESS } from './wasm/job-record.ts'
import { mapMemory, PAGE_BYTES } from './wasm/memory-map.ts'

const INPUT: PlanInput = {
  network: makeConfig({ inputs: 784, hidden: [512, 256], outputs: 10, loss: 'cross_entropy' }),
  optimizer: 'adam',
  batchSize: 128,
  trainingRows: 1000,
  validationRows: 100,
}

describe('planNetwork', () => {
  it('counts weights and biases of every layer', () => {
    const { parameterCount, layers } = planNetwork(INPUT)

    expect(layers).toEqual([
      { inputs: 784, units: 512, parameters: 401920 },
      { inputs: 512, units: 256, parameters: 131328 },
      { inputs: 256, units: 10, parameters: 2570 },
    ])
    expect(parameterCount).toBe(535818)
  })

  it('counts γ and β of normalized layers, and memory for what normalization and dropout keep', () => {
    const shape = { inputs: 784, hidden: [512, 256], outputs: 10, loss: 'cross_entropy' } as const
    const plan = (changes: object) =>
      planNetwork({ ...INPUT, network: makeConfig({ ...shape, ...changes }) })
    const [plain, normalized, dropping] = [{}, { batchNorm: true }, { dropout: 0.5 }].map(plan)

    expect(normalized?.parameterCount).toBe(535818 + 2 * 768)
    expect(normalized?.layers.map(({ parameters }) => parameters)).toEqual([402944, 131840, 2570])
    const grown = (other: typeof plain) => (other?.memoryBytes ?? 0) - (plain?.memoryBytes ?? 0)
    // x̂, and two sums per block of 16 rows in either direction.
    const blockSums = 2 * 2 * (128 / 16) * 768
    expect(Math.abs(grown(normalized) - 4 * (128 * 768 + blockSums))).toBeLessThan(2 * PAGE_BYTES)
    expect(Math.abs(grown(dropping) - 2 * 4 * 128 * 768)).toBeLessThan(PAGE_BYTES)
    expect(dropping?.parameterCount).toBe(535818)
  })

  it('counts three products per training row, two in the first layer, one per validation row', () => {
    const first = 2 * 784 * 512
    const rest = 2 * (512 * 256 + 256 * 10)

    expect(planNetwork(INPUT).flopsPerEpoch).toBe(
      1000 * (2 * first + 3 * rest) + 100 * (first + rest),
    )
  })

  it('holds data, parameters, gradient, best copy and two moments, and little more', () => {
    const { memoryBytes, parameterCount } = planNetwork(INPUT)
    const needed = 4 * (1100 * 785 + 5 * parameterCount)

    expect(memoryBytes % PAGE_BYTES).toBe(0)
    expect(memoryBytes).toBeGreaterThan(needed)
    expect(memoryBytes).toBeLessThan(1.5 * needed)
  })

  it('costs less without moments', () => {
    const bytes = (['adam', 'momentum', 'sgd'] as const).map(
      (optimizer) => planNetwork({ ...INPUT, optimizer }).memoryBytes,
    )

    expect(bytes).toEqual([...bytes].sort((a, b) => b - a))
    expect((bytes[0] ?? 0) - (bytes[2] ?? 0)).toBeGreaterThan(2 * 4 * 535818 - PAGE_BYTES)
  })

  it.each([
    ['no layers', { ...INPUT.network, layers: [] }],
    [
      'a normalized output layer',
      {
        ...INPUT.network,
        layers: INPUT.network.layers.map((layer) => ({ ...layer, batchNorm: true })),
      },
    ],
    ['dropout of everything', makeConfig({ inputs: 2, hidden: [3], outputs: 1, dropout: 1 })],
    ['smoothed numbers', makeConfig({ inputs: 2, hidden: [], outputs: 1, labelSmoothing: 0.1 })],
    ['a fractional width', makeConfig({ inputs: 2, hidden: [1.5], outputs: 1 })],
    ['one class', makeConfig({ inputs: 2, hidden: [], outputs: 1, loss: 'cross_entropy' })],
    [
      'an output layer that is not linear',
      {
        ...makeConfig({ inputs: 2, hidden: [], outputs: 1 }),
        layers: [{ units: 1, activation: 'relu', initializer: { type: 'zeros' } }],
      },
    ],
  ] as [string, PlanInput['network']][])('refuses %s', (_name, network) => {
    expect(() => planNetwork({ ...INPUT, network })).toThrow(
      expect.objectContaining({ code: 'invalid_network' }),
    )
  })
})

describe('mapMemory', () => {
  it('places blocks one after the other at cache lines, behind the record', () => {
    const { layers, ...map } = mapMemory(INPUT)
    const addresses = [
      map.parameters,
      map.best,
      map.firstMoment,
      map.secondMoment,
      map.gradient,
      ...layers.flatMap(({ outputs, delta }) => [outputs, delta]),
      map.leftPanels,
      map.rightPanels,
      map.edgeTile,
      map.transposed,
      map.batchInputs,
      map.batchTargets,
      map.order,
      map.trainingInputs,
      map.trainingTargets,
      map.validationInputs,
      map.validationTargets,
      map.bytes,
    ]

    expect(addresses).toEqual([...addresses].sort((a, b) => a - b))
    expect(addresses.every((address) => address % 64 === 0)).toBe(true)
    expect(addresses[0]).toBeGreaterThan(JOB_ADDRESS)
  })

  it('decides on packing by the full batch', () => {
    const packed = (batchSize: number) =>
      mapMemory({ ...INPUT, batchSize }).layers.map((layer) => layer.packed.forward)

    expect(packed(128)).toEqual([true, true, false])
    expect(packed(4)).toEqual([false, false, false])
  })
})

describe('resolveInitializer', () => {
  it('is He for rectifiers, LeCun for selu and Xavier otherwise', () => {
    expect(resolveInitializer('relu')).toEqual({ type: 'he_normal' })
    expect(resolveInitializer('tanh')).toEqual({ type: 'xavier_uniform' })
    expect(resolveInitializer('linear')).toEqual({ type: 'xavier_uniform' })
    expect(resolveInitializer('selu')).toEqual({ type: 'lecun_normal' })
    expect(resolveInitializer('gelu')).toEqual({ type: 'he_normal' })
    expect(resolveInitializer('softsign')).toEqual({ type: 'xavier_uniform' })
  })
})

it('states the version of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

  expect(ENGINE_VERSION).toBe(version)
})
