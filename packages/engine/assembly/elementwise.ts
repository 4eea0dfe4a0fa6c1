/** Elementwise passes over [n] float32; n is a multiple of 4 and every address of 16 bytes. */

/** Every row of z [rows, stride] becomes the bias [stride], to which the product is then added. */
export function fillRows(z: usize, rows: i32, stride: i32, bias: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row++) {
    for (let j: usize = 0; j < bytes; j += 16) v128.store(z + j, v128.load(bias + j))
    z += bytes
  }
}

/** sums[j] = Σ_i delta[i, j] over delta [rows, stride], in the order of the rows. */
export function sumRows(delta: usize, rows: i32, stride: i32, sums: usize): void {
  const bytes = <usize>stride << 2
  for (let j: usize = 0; j < bytes; j += 16) {
    let sum = f32x4.splat(0)
    let at = delta + j
    for (let row = 0; row < rows; row++) {
      sum = f32x4.add(sum, v128.load(at))
      at += bytes
    }
    v128.store(sums + j, sum)
  }
}

/** Copies the named rows of source [·, stride] one after the other. stride is a multiple of 4. */
export function gatherRows(source: usize, stride: i32, order: usize, rows: i32, target: usize): void {
  const bytes = <usize>stride << 2
  for (let i = 0; i < rows; i++) {
    const from = source + <usize>load<u32>(order + (<usize>i << 2)) * bytes
    for (let j: usize = 0; j < bytes; j += 16) v128.store(target + j, v128.load(from + j))
    target += bytes
  }
}

/** Copies the named values of source, one float32 per row. */
export function gatherValues(source: usize, order: usize, rows: i32, target: usize): void {
  for (let i: usize = 0, bytes = <usize>rows << 2; i < bytes; i += 4) {
    store<f32>(target + i, load<f32>(source + (<usize>load<u32>(order + i) << 2)))
  }
}

/** Σ x[order[i]] in float64, in order. */
export function sumGathered(x: usize, order: usize, n: i32): f64 {
  let sum: f64 = 0
  for (let i: usize = 0, bytes = <usize>n << 2; i < bytes; i += 4) {
    sum += <f64>load<f32>(x + (<usize>load<u32>(order + i) << 2))
  }
  return sum
}

/** Σ x[i] in float64, in order. */
export function sumValues(x: usize, n: i32): f64 {
  let sum: f64 = 0
  for (let i: usize = 0, bytes = <usize>n << 2; i < bytes; i += 4) sum += <f64>load<f32>(x + i)
  return sum
}

/** Σ x[i] of float64, in order. */
export function sumDoubles(x: usize, n: i32): f64 {
  let sum: f64 = 0
  for (let i: usize = 0, bytes = <usize>n << 3; i < bytes; i += 8) sum += load<f64>(x + i)
  return sum
}

/** Whether every |x[i]| is below the limit; false for NaN and infinity. */
export function isBelow(x: usize, n: i32, limit: f32): bool {
  const end = x + (<usize>n << 2)
  const bound = f32x4.splat(limit)
  let below = i32x4.splat(-1)
  for (; x < end; x += 16) below = v128.and(below, f32x4.lt(f32x4.abs(v128.load(x)), bound))
  return i32x4.all_true(below)
}

/** x[i] *= factor */
export function scaleValues(x: usize, n: i32, factor: f32): void {
  const end = x + (<usize>n << 2)
  const factors = f32x4.splat(factor)
  for (; x < end; x += 16) v128.store(x, f32x4.mul(v128.load(x), factors))
}

/** x[i] into [-limit, limit]. */
export function clampValues(x: usize, n: i32, limit: f32): void {
  const end = x + (<usize>n << 2)
  const above = f32x4.splat(limit), below = f32x4.splat(-limit)
  for (; x < end; x += 16) v128.store(x, f32x4.pmin(f32x4.pmax(v128.load(x), below), above))
}

/** sums[i] = Σ_j x[i, j]² over x [rows, stride], in float64. */
export function squareRows(x: usize, rows: i32, stride: i32, sums: usize): void {
  const bytes = <usize>stride << 2
  for (let row = 0; row < rows; row++) {
    let sum = f64x2.splat(0)
    for (const end = x + bytes; x < end; x += 8) {
      const pair = f64x2.promote_low_f32x4(v128.load64_zero(x))
      sum = f64x2.add(sum, f64x2.mul(pair, pair))
    }
    store<f64>(sums, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1))
    sums += 8
  }
}
