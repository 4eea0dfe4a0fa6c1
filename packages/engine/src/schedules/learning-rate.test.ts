import { describe, expect, it } from 'vitest'
import { assertScheduleConfig, createSchedule, type ScheduleConfig } from './learning-rate.ts'

/** Rates of the epochs of a run of as many losses at 5 steps an epoch, starting from 0.1. */
function ratesOf(config: ScheduleConfig, losses: readonly number[]): number[] {
  const schedule = createSchedule(config, 0.1, losses.length, 5)
  return losses.map((loss, e) => {
    const { learningRate } = schedule.rateOf(e + 1)
    schedule.observe(loss)
    return learningRate
  })
}

const SIX = [1, 1, 1, 1, 1, 1]

describe('the learning rate', () => {
  it.each([
    [{ type: 'constant' }, [1, 1, 1, 1, 1, 1]],
    [{ type: 'step', everyEpochs: 2, factor: 0.5 }, [1, 1, 0.5, 0.5, 0.25, 0.25]],
    [{ type: 'exponential', factor: 0.5 }, [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]],
    [{ type: 'per_step', factor: 0.9 }, [1, 0.9 ** 5, 0.9 ** 10, 0.9 ** 15, 0.9 ** 20, 0.9 ** 25]],
    [{ type: 'cosine' }, [1, 0.9330127018922193, 0.75, 0.5, 0.25, 0.06698729810778065]],
    [{ type: 'linear' }, [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]],
    [{ type: 'inverse_time', decay: 1 }, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6]],
    [{ type: 'constant', warmupEpochs: 4 }, [0.25, 0.5, 0.75, 1, 1, 1]],
    [{ type: 'linear', warmupEpochs: 2 }, [0.5, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]],
  ] as [ScheduleConfig, number[]][])('follows %j', (config, factors) => {
    for (const [e, rate] of ratesOf(config, SIX).entries()) {
      expect(rate).toBeCloseTo(0.1 * (factors[e] as number), 14)
    }
  })

  it('changes within an epoch only per step', () => {
    const factor = (config: ScheduleConfig) =>
      createSchedule(config, 0.1, 9, 5).rateOf(1).factorPerStep

    expect(factor({ type: 'per_step', factor: 0.9 })).toBe(0.9)
    expect(factor({ type: 'exponential', factor: 0.9 })).toBe(1)
  })
})

describe('reduce_on_plateau', () => {
  const plateau = { type: 'reduce_on_plateau', factor: 0.1, patience: 2 } as const

  it('reduces after `patience` epochs that are not better by more than 1e-4 of the best', () => {
    // The second and third are better, but not by enough; the fifth is.
    const rates = ratesOf(plateau, [1, 0.99995, 0.99991, 1, 0.9, 0.9, 0.9, 0.9])

    expect(rates).toEqual(
      [1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01].map((f) => expect.closeTo(0.1 * f, 14)),
    )
  })

  it('does not count epochs while it cools down', () => {
    const rates = ratesOf({ ...plateau, cooldown: 2 }, [1, 1, 1, 1, 1, 1, 1, 1])

    expect(rates).toEqual(
      [1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01].map((f) => expect.closeTo(0.1 * f, 14)),
    )
  })

  it('stops at the least rate', () => {
    const rates = ratesOf({ ...plateau, minLearningRate: 0.03 }, [1, 1, 1, 1, 1, 1, 1])

    expect(rates).toEqual([0.1, 0.1, 0.1, 0.03, 0.03, 0.03, 0.03])
  })

  it('halves after five epochs unless told otherwise', () => {
    const rates = ratesOf({ type: 'reduce_on_plateau' }, [1, 1, 1, 1, 1, 1, 1])

    expect(rates).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05])
  })
})

describe('assertScheduleConfig refuses', () => {
  it.each([
    { type: 'step', everyEpochs: 0, factor: 0.5 },
    { type: 'exponential', factor: 1.1 },
    { type: 'per_step', factor: 0 },
    { type: 'inverse_time', decay: -1 },
    { type: 'reduce_on_plateau', patience: 0 },
    { type: 'cosine', warmupEpochs: 0.5 },
  ] as ScheduleConfig[])('%j', (config) => {
    expect(() => assertScheduleConfig(config)).toThrow(
      expect.objectContaining({ code: 'invalid_options' }),
    )
  })
})
