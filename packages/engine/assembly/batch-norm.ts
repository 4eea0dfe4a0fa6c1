/**
 * Batch normalization over matrices [rows, stride]; stride is a multiple of 4 and every address of 16
 * bytes. Sums over the rows are taken in blocks of 16 rows, added in order, so that they can be
 * shared out among threads without a change of a bit: each thread sums its blocks, and after a barrier
 * each adds all of them up for itself. Formulas: src/layers/batch-norm.ts.
 */
import { job, normalization } from './layout'
import { multiplyAdd, multiplySubtract } from './tiles'

const BLOCK_ROWS: i32 = normalization.blockRows

/**
 * Mean and Σ (z - mean)² of each block of rows and each column of z [rows, stride], two rows of
 * [stride] per block. z begins with a block.
 */
export function blockStatistics(z: usize, rows: i32, stride: i32, blocks: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const count = min(BLOCK_ROWS, rows - row), at = z + <usize>row * bytes
    sumColumns(at, count, bytes, blocks)
    divide(blocks, bytes, <f32>count)
    sumSquares(at, count, bytes, blocks, blocks + bytes)
    blocks += 2 * bytes
  }
}

/**
 * Mean [stride] and biased variance [stride] of all rows from those of their blocks, after Chan,
 * Golub & LeVeque (1979): each block adds its squares and those of the distance of its mean. rows ≥ 1
 */
export function batchStatistics(blocks: usize, rows: i32, stride: i32, mean: usize, variance: usize): void {
  const bytes = <usize>stride << 2
  const perRow = f32x4.splat(<f32>rows)
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0), squares = f32x4.splat(0)
    for (let row = 0, at = blocks + j; row < rows; row += BLOCK_ROWS) {
      sum = multiplyAdd(f32x4.splat(<f32>min(BLOCK_ROWS, rows - row)), v128.load(at), sum)
      at += 2 * bytes
    }
    const centre = f32x4.div(sum, perRow)
    for (let row = 0, at = blocks + j; row < rows; row += BLOCK_ROWS) {
      const distance = f32x4.sub(v128.load(at), centre)
      const apart = f32x4.mul(f32x4.splat(<f32>min(BLOCK_ROWS, rows - row)), distance)
      squares = f32x4.add(squares, multiplyAdd(apart, distance, v128.load(at + bytes)))
      at += 2 * bytes
    }
    v128.store(mean + j, centre)
    v128.store(variance + j, f32x4.div(squares, perRow))
  }
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

/** Σ δ x̂ and Σ δ of each block of rows, two rows of [stride] per block. delta begins with a block. */
export function blockGradients(delta: usize, normalized: usize, rows: i32, stride: i32, blocks: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const count = min(BLOCK_ROWS, rows - row), at = <usize>row * bytes
    sumProducts(delta + at, normalized + at, count, bytes, blocks)
    sumColumns(delta + at, count, bytes, blocks + bytes)
    blocks += 2 * bytes
  }
}

/** ∂L/∂γ = Σ δ x̂ and after it ∂L/∂β = Σ δ, both [stride], from those of the blocks of so many rows. */
export function scaleGradient(blocks: usize, rows: i32, stride: i32, gradient: usize): void {
  const bytes = <usize>stride << 3
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    for (let row = 0, at = blocks + j; row < rows; row += BLOCK_ROWS) {
      sum = f32x4.add(sum, v128.load(at))
      at += bytes
    }
    v128.store(gradient + j, sum)
  }
}

/** δ = γ · inverse · (δ - share · (∂L/∂β + x̂ ∂L/∂γ)); share is one over the batch's rows, or 0 where constants were used. */
export function normalizationGradient(delta: usize, normalized: usize, rows: i32, stride: i32, gamma: usize, inverse: usize, gradient: usize, share: f32): void {
  const bytes = <usize>stride << 2
  const gammaGradient = gradient, betaGradient = gradient + bytes
  const shares = f32x4.splat(share)
  for (let row = 0; row < rows; row++) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const sums = multiplyAdd(v128.load(normalized + j), v128.load(gammaGradient + j), v128.load(betaGradient + j))
      const factor = f32x4.mul(v128.load(gamma + j), v128.load(inverse + j))
      v128.store(delta + j, f32x4.mul(factor, multiplySubtract(shares, sums, v128.load(delta + j))))
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

/** sums[j] = Σ a[i, j] */
function sumColumns(a: usize, rows: i32, bytes: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    let at = a + j
    for (let row = 0; row < rows; row++) {
      sum = f32x4.add(sum, v128.load(at))
      at += bytes
    }
    v128.store(sums + j, sum)
  }
}

/** sums[j] = Σ (a[i, j] - mean[j])² */
function sumSquares(a: usize, rows: i32, bytes: usize, mean: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const centre = v128.load(mean + j)
    let sum = f32x4.splat(0)
    let at = a + j
    for (let row = 0; row < rows; row++) {
      const distance = f32x4.sub(v128.load(at), centre)
      sum = multiplyAdd(distance, distance, sum)
      at += bytes
    }
    v128.store(sums + j, sum)
  }
}

/** sums[j] = Σ a[i, j] · b[i, j] */
function sumProducts(a: usize, b: usize, rows: i32, bytes: usize, sums: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    for (let row = 0, at = j; row < rows; row++) {
      sum = multiplyAdd(v128.load(a + at), v128.load(b + at), sum)
      at += bytes
    }
    v128.store(sums + j, sum)
  }
}

function divide(x: usize, bytes: usize, divisor: f32): void {
  const divisors = f32x4.splat(divisor)
  for (let j: usize = 0; j < bytes; j += 16) v128.store(x + j, f32x4.div(v128.load(x + j), divisors))
}
