/**
 * Batch normalization over matrices [rows, stride]; stride is a multiple of 4 and every address of 16
 * bytes. Sums over the rows are taken in blocks of 16 rows, added in order, so that they can be
 * shared out among threads without a change of a bit. Formulas: src/layers/batch-norm.ts.
 */
import { job } from './layout'
import { multiplyAdd, multiplySubtract } from './tiles'

const BLOCK_ROWS: i32 = 16

/** Mean [stride] and biased variance [stride] of the columns of z. rows ≥ 1 */
export function batchStatistics(z: usize, rows: i32, stride: i32, mean: usize, variance: usize): void {
  const bytes = <usize>stride << 2
  memory.fill(mean, 0, bytes)
  memory.fill(variance, 0, bytes)
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    addColumns(z + <usize>row * bytes, min(BLOCK_ROWS, rows - row), bytes, mean)
  }
  divide(mean, bytes, <f32>rows)
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    addSquares(z + <usize>row * bytes, min(BLOCK_ROWS, rows - row), bytes, mean, variance)
  }
  divide(variance, bytes, <f32>rows)
}

/** inverse = 1/√(variance + ε) [stride]; NaN for an infinite variance, which would hide as zero. */
export function invertDeviation(variance: usize, stride: i32, inverse: usize): void {
  const end = variance + (<usize>stride << 2)
  const epsilon = f32x4.splat(<f32>load<f64>(job.batchNormEpsilon)), one = f32x4.splat(1)
  for (; variance < end; variance += 16, inverse += 16) {
    const v = v128.load(variance)
    const quotient = f32x4.div(one, f32x4.sqrt(f32x4.add(v, epsilon)))
    v128.store(inverse, f32x4.add(quotient, f32x4.sub(v, v)))
  }
}

/** x̂ = (z - mean) · inverse into normalized, γ x̂ + β into z. normalized may be z: then x̂ is lost. */
export function normalizeRows(z: usize, rows: i32, stride: i32, mean: usize, inverse: usize, gamma: usize, beta: usize, normalized: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row++) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = f32x4.mul(f32x4.sub(v128.load(z + j), v128.load(mean + j)), v128.load(inverse + j))
      v128.store(normalized + j, x)
      v128.store(z + j, multiplyAdd(v128.load(gamma + j), x, v128.load(beta + j)))
    }
    z += bytes
    normalized += bytes
  }
}

/** ∂L/∂β = Σ δ and ∂L/∂γ = Σ δ x̂, both [stride]. */
export function scaleGradient(delta: usize, normalized: usize, rows: i32, stride: i32, gammaGradient: usize, betaGradient: usize): void {
  const bytes = <usize>stride << 2
  memory.fill(gammaGradient, 0, bytes)
  memory.fill(betaGradient, 0, bytes)
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const count = min(BLOCK_ROWS, rows - row), at = <usize>row * bytes
    addColumns(delta + at, count, bytes, betaGradient)
    addProducts(delta + at, normalized + at, count, bytes, gammaGradient)
  }
}

/** δ = γ · inverse · (δ - (∂L/∂β + x̂ ∂L/∂γ)/rows), or without the sums where constants were used. */
export function normalizationGradient(delta: usize, normalized: usize, rows: i32, stride: i32, gamma: usize, inverse: usize, gammaGradient: usize, betaGradient: usize, isConstant: bool): void {
  const bytes = <usize>stride << 2
  const share = f32x4.splat(isConstant ? 0 : <f32>1.0 / <f32>rows)
  for (let row = 0; row < rows; row++) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const sums = multiplyAdd(v128.load(normalized + j), v128.load(gammaGradient + j), v128.load(betaGradient + j))
      const factor = f32x4.mul(v128.load(gamma + j), v128.load(inverse + j))
      v128.store(delta + j, f32x4.mul(factor, multiplySubtract(share, sums, v128.load(delta + j))))
    }
    delta += bytes
    normalized += bytes
  }
}

/** running = momentum · running + (1 - momentum) · factor · batch [stride] */
export function blend(running: usize, batch: usize, stride: i32, factor: f64): void {
  const momentum = load<f64>(job.batchNormMomentum)
  const keep = f32x4.splat(<f32>momentum), take = f32x4.splat(<f32>((1 - momentum) * factor))
  const end = running + (<usize>stride << 2)
  for (; running < end; running += 16, batch += 16) {
    v128.store(running, multiplyAdd(take, v128.load(batch), f32x4.mul(keep, v128.load(running))))
  }
}

/** sums[j] += Σ a[i, j] over up to 16 rows. */
function addColumns(a: usize, rows: i32, bytes: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    let at = a + j
    for (let row = 0; row < rows; row++) {
      sum = f32x4.add(sum, v128.load(at))
      at += bytes
    }
    v128.store(sums + j, f32x4.add(v128.load(sums + j), sum))
  }
}

/** sums[j] += Σ (a[i, j] - mean[j])² over up to 16 rows. */
function addSquares(a: usize, rows: i32, bytes: usize, mean: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const centre = v128.load(mean + j)
    let sum = f32x4.splat(0)
    let at = a + j
    for (let row = 0; row < rows; row++) {
      const distance = f32x4.sub(v128.load(at), centre)
      sum = multiplyAdd(distance, distance, sum)
      at += bytes
    }
    v128.store(sums + j, f32x4.add(v128.load(sums + j), sum))
  }
}

/** sums[j] += Σ a[i, j] · b[i, j] over up to 16 rows. */
function addProducts(a: usize, b: usize, rows: i32, bytes: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    for (let row = 0, at = j; row < rows; row++) {
      sum = multiplyAdd(v128.load(a + at), v128.load(b + at), sum)
      at += bytes
    }
    v128.store(sums + j, f32x4.add(v128.load(sums + j), sum))
  }
}

function divide(x: usize, bytes: usize, divisor: f32): void {
  const divisors = f32x4.splat(divisor)
  for (let j: usize = 0; j < bytes; j += 16) v128.store(x + j, f32x4.div(v128.load(x + j), divisors))
}
