import { expect } from 'vitest'
import {
  createNetwork,
  type LayerObservation,
  type NetworkConfig,
  type NetworkOptions,
  type TrainingOptions,
  train,
} from '../src/index.ts'
import { drain, makeData, makeOptions } from './fixtures.ts'

export const OBSERVED_SHAPE = {
  inputs: 3,
  hidden: [7, 5],
  outputs: 3,
  loss: 'cross_entropy',
} as const

export const everything = () => 'histograms' as const

/** What a short run observes, by default of everything. */
export async function observeLayers(
  config: NetworkConfig,
  changes: Partial<TrainingOptions>,
  options: Partial<NetworkOptions>,
): Promise<LayerObservation[]> {
  const network = await createNetwork(config, { seed: 3n, ...options })
  const training = makeOptions(makeData(config, 203), { observes: everything, ...changes })
  return drain(train(network, training)).yielded.flatMap(({ observations }) => observations)
}

/** Within the tolerance relative to each figure, or to 0.01 where it is smaller. */
export function expectFigures(
  observation: LayerObservation | undefined,
  layer: number,
  figures: Omit<LayerObservation['layers'][number], 'histograms'>,
  tolerance = 1e-6,
): void {
  const actual = observation?.layers[layer]
  for (const [name, expected] of Object.entries(figures)) {
    const value = actual?.[name as keyof typeof figures]
    if (expected === null) expect([name, value]).toEqual([name, null])
    else {
      const error = Math.abs((value ?? Number.NaN) - expected) / Math.max(0.01, Math.abs(expected))
      expect(error, `${name}: ${value} for ${expected}`).toBeLessThanOrEqual(tolerance)
    }
  }
}
