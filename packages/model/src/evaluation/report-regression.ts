import type { RegressionReport } from '@trainyard/contracts'

/**
 * What scikit-learn's `r2_score`, `mean_squared_error`, `median_absolute_error` and their like say of targets and
 * predictions [rows], at least one row. Of a constant target r² is 1 when it is met and 0 when it is not.
 */
export function reportRegression(
  targets: Float64Array,
  predictions: Float64Array,
): RegressionReport {
  const residuals = targets.map((target, row) => target - (predictions[row] as number))
  const absolute = residuals.map(Math.abs).sort()
  const ordered = residuals.toSorted()
  const squares = sumOfSquares(residuals, 0)
  const residualMean = meanOf(residuals)
  const deviation = sumOfSquares(residuals, residualMean)
  const spread = sumOfSquares(targets, meanOf(targets))
  const { length: rows } = targets
  return {
    task: 'regression',
    rows,
    mse: squares / rows,
    rmse: Math.sqrt(squares / rows),
    mae: meanOf(absolute),
    median_absolute_error: quantile(absolute, 0.5),
    max_error: absolute[rows - 1] as number,
    r2: rows < 2 ? null : explained(squares, spread),
    explained_variance: rows < 2 ? null : explained(deviation, spread),
    residuals: {
      mean: residualMean,
      std: Math.sqrt(deviation / rows),
      min: ordered[0] as number,
      p05: quantile(ordered, 0.05),
      p25: quantile(ordered, 0.25),
      p50: quantile(ordered, 0.5),
      p75: quantile(ordered, 0.75),
      p95: quantile(ordered, 0.95),
      max: ordered[rows - 1] as number,
    },
  }
}

function explained(left: number, spread: number): number {
  if (spread === 0) return left === 0 ? 1 : 0
  return 1 - left / spread
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sumOfSquares(values: Float64Array, center: number): number {
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0)
}

/** Between the two nearest of the ordered values, linearly (Hyndman and Fan's type 7). */
function quantile(ordered: Float64Array, share: number): number {
  const at = share * (ordered.length - 1)
  const low = ordered[Math.floor(at)] as number
  const high = ordered[Math.ceil(at)] as number
  return low + (at - Math.floor(at)) * (high - low)
}
