import { createRandom } from '@trainyard/engine/random'
import { expect, it } from 'vitest'
import { compileSpace } from '../space.ts'
import { measureImportance } from './measure-importance.ts'

const angle = { distribution: 'uniform', min: -Math.PI, max: Math.PI } as const
const { space } = compileSpace({ parameters: { x1: angle, x2: angle, x3: angle } })

function sample(count: number) {
  const random = createRandom(11n, 'ishigami')
  return Array.from({ length: count }, (_, i) => {
    const [x1, x2, x3] = [0, 1, 2].map((d) => (random.uniform(3 * i + d) * 2 - 1) * Math.PI) as [
      number,
      number,
      number,
    ]
    const objective = Math.sin(x1) + 7 * Math.sin(x2) ** 2 + 0.1 * x3 ** 4 * Math.sin(x1)
    return { params: { x1, x2, x3 }, objective }
  })
}

// First-order Sobol indices of Ishigami and Homma (1990), a = 7, b = 0.1: 0.3139, 0.4424, 0; the rest is the interaction of x1 and x3.
it('finds the published importances of the Ishigami function within 0.07', () => {
  const { parameters, interactions } = measureImportance(space, sample(2000))

  const shares = Object.fromEntries(parameters.map(({ parameter, share }) => [parameter, share]))
  const published = { x1: 0.3139, x2: 0.4424, x3: 0, interactions: 0.2437 }
  for (const [name, share] of Object.entries({ ...shares, interactions })) {
    expect(Math.abs(share - published[name as keyof typeof published])).toBeLessThan(0.07)
  }
  expect(parameters[0]?.parameter).toBe('x2')
})

it('draws the slice of a parameter as the function is, averaged over the others', () => {
  const { parameters } = measureImportance(space, sample(2000))

  const slice = parameters.find(({ parameter }) => parameter === 'x2')?.slice ?? []
  const at = (wanted: number) =>
    slice.reduce((a, b) =>
      Math.abs((b.value as number) - wanted) < Math.abs((a.value as number) - wanted) ? b : a,
    ).mean
  // 7 sin²(x2) has its hills at ±π/2 and its valley at 0.
  expect(at(Math.PI / 2) - at(0)).toBeGreaterThan(4)
})

it('gives the same report again', () => {
  expect(measureImportance(space, sample(200))).toEqual(measureImportance(space, sample(200)))
})

it('gives no parameter a share of an objective that never varies', () => {
  const flat = sample(50).map(({ params }) => ({ params, objective: 1 }))

  const { parameters, interactions } = measureImportance(space, flat)

  expect(parameters.map(({ share }) => share)).toEqual([0, 0, 0])
  expect(interactions).toBe(0)
})
