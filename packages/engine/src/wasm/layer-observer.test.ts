import { describe, expect, it } from 'vitest'
import { ACTIVATION_NAMES, makeConfig } from '../../test/fixtures.ts'
import { expectFigures, OBSERVED_SHAPE, observeLayers } from '../../test/observe-layers.ts'
import type { TrainingOptions } from '../train.ts'
import { compileBuild } from './load.ts'

const BUILDS = [
  { build: 'fused', module: await compileBuild('fused') },
  { build: 'unfused', module: await compileBuild('unfused') },
] as const

describe.each(BUILDS)(
  'what the $build kernels observe is what the reference does',
  ({ module }) => {
    it.each(ACTIVATION_NAMES)('of %s units', async (activation) => {
      await expectParity({ activation }, {}, module)
    })

    it.each(ACTIVATION_NAMES)(
      'of %s units with batch normalization and dropout',
      async (activation) => {
        const noise = { batchNorm: true, dropout: 0.3, inputDropout: 0.1 }

        // Few rows make a unit's variance small, and what divides by it ill-conditioned.
        await expectParity({ activation, ...noise }, { batchSize: 10 }, module)
      },
    )

    it.each([
      [{ regularization: { l1: 0.001, l2: 0.02 } }],
      [{ gradientClip: { norm: 0.05 } }],
      [{ gradientClip: { value: 0.005 } }],
      [{ classWeights: 'balanced' }],
      [{ batchSize: 1 }],
      [{ batchSize: 203 }],
    ] as Partial<TrainingOptions>[][])('with %j', async (changes) => {
      await expectParity({ activation: 'tanh' }, changes, module)
    })
  },
)

async function expectParity(
  shape: Partial<Parameters<typeof makeConfig>[0]>,
  changes: Partial<TrainingOptions>,
  module: WebAssembly.Module,
): Promise<void> {
  const config = makeConfig({ ...OBSERVED_SHAPE, ...shape })
  const options = {
    ...changes,
    optimizer: { type: 'momentum', learningRate: 0.01, momentum: 0.9, nesterov: false },
  } as const
  const actual = await observeLayers(config, options, { module })
  const expected = await observeLayers(config, options, { backend: 'reference' })

  expect(actual.map(({ epoch, rows }) => [epoch, rows])).toEqual(
    expected.map(({ epoch, rows }) => [epoch, rows]),
  )
  expect(expected.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3])
  for (const [i, observation] of expected.entries()) {
    for (const [layer, { histograms, ...figures }] of observation.layers.entries()) {
      expectFigures(actual[i], layer, figures, 1e-4)
      for (const [name, histogram] of Object.entries(histograms ?? {})) {
        const same = actual[i]?.layers[layer]?.histograms?.[name as 'weights']
        const width = histogram.upper - histogram.lower
        expect(Math.abs((same?.lower ?? Infinity) - histogram.lower)).toBeLessThanOrEqual(
          1e-4 * width,
        )
        expect(Math.abs((same?.upper ?? Infinity) - histogram.upper)).toBeLessThanOrEqual(
          1e-4 * width,
        )
        const total = (counts: readonly number[] = []) => counts.reduce((sum, n) => sum + n, 0)
        expect(total(same?.counts)).toBe(total(histogram.counts))
        // A value on the border of two bins may fall on either side.
        const moved = histogram.counts.map((n, bin) => Math.abs(n - (same?.counts[bin] ?? 0)))
        expect(total(moved)).toBeLessThanOrEqual(2)
      }
    }
  }
}
