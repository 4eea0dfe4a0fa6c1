import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { reportClassification } from './report-classification.ts'
import { reportRegression } from './report-regression.ts'

const TOLERANCE = 1e-9
const golden = JSON.parse(
  readFileSync(new URL('../../test/sklearn/reports.json', import.meta.url), 'utf8'),
)

describe('reports are those of scikit-learn', () => {
  it.each<ClassificationCase>(golden.classification)('$name', (set) => {
    const { calibration, ...report } = reportClassification({
      classes: Array.from({ length: set.classes }, (_, k) => `class ${k}`),
      labels: set.labels,
      predicted: set.predicted,
      scores: Float64Array.from(set.scores),
      areProbabilities: set.areProbabilities,
    })

    const { calibration: bins, ...expected } = set.expected
    expectClose(report, expected)
    expectClose(calibration?.bins ?? null, bins)
  })

  it.each<RegressionCase>(golden.regression)('$name', ({ targets, predictions, expected }) => {
    const report = reportRegression(Float64Array.from(targets), Float64Array.from(predictions))

    expectClose(report, expected)
  })

  it('the calibration error is the mean distance of confidence and truth', () => {
    const { calibration } = reportClassification({
      classes: ['no', 'yes'],
      labels: [0, 1, 1, 1],
      predicted: [0, 0, 1, 1],
      scores: Float64Array.of(0.25, 0.25, 0.95, 0.95),
      areProbabilities: true,
    })

    expect(calibration?.error).toBeCloseTo(0.5 * 0.25 + 0.5 * 0.05, 12)
  })

  it('a single row has a report', () => {
    expect(reportRegression(Float64Array.of(3), Float64Array.of(1))).toMatchObject({
      rmse: 2,
      r2: null,
      residuals: { std: 0, p50: 2 },
    })
  })
})

interface ClassificationCase {
  name: string
  areProbabilities: boolean
  classes: number
  labels: number[]
  predicted: number[]
  scores: number[]
  expected: { calibration: object | null }
}

interface RegressionCase {
  name: string
  targets: number[]
  predictions: number[]
  expected: object
}

/** Everything that is expected is there, every number within 1e-9. */
function expectClose(actual: unknown, expected: unknown, path = ''): void {
  if (typeof expected === 'number') {
    expect(Math.abs((actual as number) - expected), path).toBeLessThanOrEqual(
      TOLERANCE * Math.max(1, Math.abs(expected)),
    )
    return
  }
  if (typeof expected !== 'object' || expected === null) {
    expect(actual, path).toEqual(expected)
    return
  }
  if (Array.isArray(expected)) expect((actual as unknown[]).length, path).toBe(expected.length)
  for (const [name, value] of Object.entries(expected)) {
    expectClose((actual as Record<string, unknown>)[name], value, `${path}/${name}`)
  }
}
