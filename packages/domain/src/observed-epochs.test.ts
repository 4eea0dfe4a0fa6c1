import { describe, expect, it } from 'vitest'
import { detailToKeep, detailToObserve, keptStrides } from './observed-epochs.ts'

/** What a store holds at the end of a job that observed as it went. */
function keepAll(epochs: number) {
  let kept = new Map<number, 'statistics' | 'histograms'>()
  let most = 0
  for (let epoch = 0; epoch <= epochs; epoch++) {
    const observed = detailToObserve(epoch, epochs)
    if (observed === null) continue
    kept.set(epoch, observed)
    const after = [...kept.keys()].flatMap((each) => {
      const detail = detailToKeep(each, epoch)
      return detail === null ? [] : [[each, detail] as const]
    })
    kept = new Map(after)
    most = Math.max(most, kept.size)
  }
  const histograms = [...kept].filter(([, detail]) => detail === 'histograms')
  return { epochs: [...kept.keys()], histograms: histograms.map(([epoch]) => epoch), most }
}

describe('the epochs kept', () => {
  it.each([1, 2, 19, 100, 197])('are all of a job of %i', (epochs) => {
    expect(keepAll(epochs).epochs).toEqual(Array.from({ length: epochs + 1 }, (_, i) => i))
  })

  it.each([199, 1000, 12_345])('of %i are spread evenly, the ends among them', (epochs) => {
    const kept = keepAll(epochs)
    const { statistics } = keptStrides(epochs)

    expect(kept.most).toBeLessThanOrEqual(200)
    expect(kept.epochs.length).toBeGreaterThan(90)
    expect(kept.epochs.slice(0, 2)).toEqual([0, 1])
    expect(kept.epochs.at(-1)).toBe(epochs)
    const between = kept.epochs.slice(2, -1)
    expect(between.every((epoch) => epoch % statistics === 0)).toBe(true)
  })

  it.each([5, 100, 1000, 12_345])('of %i have at most twenty with histograms', (epochs) => {
    const { histograms } = keepAll(epochs)

    expect(histograms.length).toBeLessThanOrEqual(20)
    expect(histograms).toEqual(expect.arrayContaining([0, 1, epochs]))
  })
})

it('asks for every epoch that is kept later on', () => {
  for (const newest of [1, 50, 197, 198, 5000, 100_000]) {
    for (let epoch = 0; epoch < newest; epoch++) {
      const kept = detailToKeep(epoch, newest)
      if (kept !== null) expect(['histograms', kept]).toContain(detailToObserve(epoch, newest))
    }
  }
})

it('asks for about a hundredth of a hundred thousand epochs', () => {
  const asked = Array.from({ length: 100_001 }, (_, epoch) => detailToObserve(epoch, 100_000))

  expect(asked.filter((detail) => detail !== null).length).toBeLessThan(1200)
})
