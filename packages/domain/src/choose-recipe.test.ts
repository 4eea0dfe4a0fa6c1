import { describe, expect, it } from 'vitest'
import { chooseBatchSize, chooseHidden } from './choose-recipe.ts'

describe('chooseHidden', () => {
  it('normalizes the batch between first and last layer of a classification with rows enough for it', () => {
    expect(chooseHidden('classification', 64, 1438)).toEqual([
      { units: 128 },
      { units: 64, batch_norm: true },
    ])
    expect(chooseHidden('classification', 784, 60_000)).toEqual([
      { units: 256 },
      { units: 128, batch_norm: true },
    ])
    expect(chooseHidden('classification', 2, 4)).toEqual([{ units: 128 }])
  })

  it('widens a regression with its inputs, without batch normalization', () => {
    expect([1, 8, 9, 64, 65].map((inputs) => chooseHidden('regression', inputs, 400))).toEqual(
      [32, 32, 64, 64, 128].map((units) => [{ units }, { units }]),
    )
  })
})

describe('chooseBatchSize', () => {
  it('grows with the rows and never exceeds them', () => {
    expect([4, 120, 999, 1000, 10_000, 50_000, 1_000_000].map(chooseBatchSize)).toEqual([
      4, 16, 16, 32, 64, 128, 128,
    ])
  })
})
