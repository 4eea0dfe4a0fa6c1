/**
 * Optimizer steps over a range of the flat vector of all parameters, given by its first and its end in
 * bytes, multiples of 16: one loop whatever the layers. Padding has gradient zero and stays zero. Formulas: src/optimizers.
 */
import { job, layer, optimizer } from './layout'
import { multiplyAdd, multiplySubtract } from './tiles'

/** Moments below this decay into denormals, each of which costs a hundred cycles, and mean nothing. */
const MOMENT_MIN: f32 = 1e-25

/** The powers of β that the update of this step takes, once a step. */
export function advancePowers(): void {
  if (load<i32>(job.optimizer) != optimizer.adam) return
  store<f64>(job.beta1Power, load<f64>(job.beta1Power) * load<f64>(job.beta1))
  store<f64>(job.beta2Power, load<f64>(job.beta2Power) * load<f64>(job.beta2))
}

/** One update of a range of the parameters by the job's optimizer. */
export function updateParameters(first: usize, last: usize): void {
  switch (load<i32>(job.optimizer)) {
    case optimizer.sgd:
      return sgdStep(first, last)
    case optimizer.momentum:
      return momentumStep(first, last)
    case optimizer.rmsprop:
      return rmspropStep(first, last)
    case optimizer.adagrad:
      return adagradStep(first, last)
    default:
      decayWeights(load<f64>(job.learningRate) * load<f64>(job.weightDecay), first, last)
      if (load<i32>(job.biasCorrection)) correctedAdamStep(first, last)
      else adamStep(<f32>load<f64>(job.learningRate), <f32>load<f64>(job.epsilon), first, last)
  }
}

function sgdStep(first: usize, last: usize): void {
  let x = <usize>load<i32>(job.parameters) + first, g = <usize>load<i32>(job.gradient) + first
  const end = x + (last - first)
  const rate = f32x4.splat(<f32>load<f64>(job.learningRate))
  for (; x < end; x += 16, g += 16) {
    v128.store(x, multiplySubtract(rate, v128.load(g), v128.load(x)))
  }
}

function momentumStep(first: usize, last: usize): void {
  let x = <usize>load<i32>(job.parameters) + first, g = <usize>load<i32>(job.gradient) + first
  let v = <usize>load<i32>(job.firstMoment) + first
  const end = x + (last - first)
  const rate = f32x4.splat(<f32>load<f64>(job.learningRate))
  const momentum = f32x4.splat(<f32>load<f64>(job.momentum))
  const nesterov = load<i32>(job.nesterov) != 0
  for (; x < end; x += 16, g += 16, v += 16) {
    const descent = f32x4.mul(rate, v128.load(g))
    const velocity = flush(f32x4.sub(f32x4.mul(momentum, v128.load(v)), descent))
    v128.store(v, velocity)
    const step = nesterov ? f32x4.sub(f32x4.mul(momentum, velocity), descent) : velocity
    v128.store(x, f32x4.add(v128.load(x), step))
  }
}

/** ε inside the root, so that a vanishing mean of squares cannot blow a step up. */
function rmspropStep(first: usize, last: usize): void {
  let x = <usize>load<i32>(job.parameters) + first, g = <usize>load<i32>(job.gradient) + first
  let a = <usize>load<i32>(job.firstMoment) + first
  const end = x + (last - first)
  const rate = f32x4.splat(<f32>load<f64>(job.learningRate)), epsilon = f32x4.splat(<f32>load<f64>(job.epsilon))
  const rho = load<f64>(job.rho)
  const keep = f32x4.splat(<f32>rho), rest = f32x4.splat(roundingRest(rho)), take = f32x4.splat(<f32>(1 - rho))
  for (; x < end; x += 16, g += 16, a += 16) {
    const gradient = v128.load(g), old = v128.load(a)
    let squares = multiplyAdd(rest, old, f32x4.mul(take, f32x4.mul(gradient, gradient)))
    squares = flush(multiplyAdd(keep, old, squares))
    v128.store(a, squares)
    const step = f32x4.div(f32x4.mul(rate, gradient), f32x4.sqrt(f32x4.add(squares, epsilon)))
    v128.store(x, f32x4.sub(v128.load(x), step))
  }
}

function adagradStep(first: usize, last: usize): void {
  let x = <usize>load<i32>(job.parameters) + first, g = <usize>load<i32>(job.gradient) + first
  let a = <usize>load<i32>(job.firstMoment) + first
  const end = x + (last - first)
  const rate = f32x4.splat(<f32>load<f64>(job.learningRate)), epsilon = f32x4.splat(<f32>load<f64>(job.epsilon))
  for (; x < end; x += 16, g += 16, a += 16) {
    const gradient = v128.load(g)
    const squares = f32x4.add(v128.load(a), f32x4.mul(gradient, gradient))
    v128.store(a, squares)
    const step = f32x4.div(f32x4.mul(rate, gradient), f32x4.add(f32x4.sqrt(squares), epsilon))
    v128.store(x, f32x4.sub(v128.load(x), step))
  }
}

/** x −= share · x on every weight matrix; biases do not decay. */
function decayWeights(share: f64, first: usize, last: usize): void {
  if (share == 0) return
  const lost = f32x4.splat(<f32>share)
  const parameters = <usize>load<i32>(job.parameters)
  const end = job.layers + <usize>load<i32>(job.layerCount) * layer.bytes
  for (let at: usize = job.layers; at < end; at += layer.bytes) {
    const weight = <usize>load<i32>(at + layer.weight)
    const weightEnd = weight + (<usize>(load<i32>(at + layer.inputs) * load<i32>(at + layer.unitStride)) << 2)
    shrink(max(weight, parameters + first), min(weightEnd, parameters + last), lost)
  }
}

function shrink(x: usize, end: usize, lost: v128): void {
  for (; x < end; x += 16) v128.store(x, multiplySubtract(lost, v128.load(x), v128.load(x)))
}

/**
 * Adam with its corrections taken out of the loop: η·m̂/(√v̂ + ε) = η·√c2/c1 · m/(√v + ε·√c2) with
 * c1 = 1 - β1^t and c2 = 1 - β2^t.
 */
function correctedAdamStep(first: usize, last: usize): void {
  const root = Math.sqrt(1 - load<f64>(job.beta2Power))
  const rate = (load<f64>(job.learningRate) * root) / (1 - load<f64>(job.beta1Power))
  adamStep(<f32>rate, <f32>(load<f64>(job.epsilon) * root), first, last)
}

function adamStep(rate: f32, epsilon: f32, first: usize, last: usize): void {
  let x = <usize>load<i32>(job.parameters) + first, g = <usize>load<i32>(job.gradient) + first
  let m = <usize>load<i32>(job.firstMoment) + first, v = <usize>load<i32>(job.secondMoment) + first
  const end = x + (last - first)
  const rates = f32x4.splat(rate), epsilons = f32x4.splat(epsilon)
  const beta1 = load<f64>(job.beta1), beta2 = load<f64>(job.beta2)
  const keep1 = f32x4.splat(<f32>beta1), rest1 = f32x4.splat(roundingRest(beta1))
  const keep2 = f32x4.splat(<f32>beta2), rest2 = f32x4.splat(roundingRest(beta2))
  const take1 = f32x4.splat(<f32>(1 - beta1)), take2 = f32x4.splat(<f32>(1 - beta2))
  for (; x < end; x += 16, g += 16, m += 16, v += 16) {
    const gradient = v128.load(g), oldMean = v128.load(m), oldSquares = v128.load(v)
    let mean = multiplyAdd(rest1, oldMean, f32x4.mul(take1, gradient))
    mean = flush(multiplyAdd(keep1, oldMean, mean))
    let squares = multiplyAdd(rest2, oldSquares, f32x4.mul(take2, f32x4.mul(gradient, gradient)))
    squares = multiplyAdd(keep2, oldSquares, squares)
    v128.store(m, mean)
    v128.store(v, squares)
    const step = f32x4.div(f32x4.mul(rates, mean), f32x4.add(f32x4.sqrt(squares), epsilons))
    v128.store(x, f32x4.sub(v128.load(x), step))
  }
}

/**
 * What float32 loses of a decay. Near 1 it matters: 0.999 rounded makes 1 - β, which is what a
 * moment converges by, wrong by 1.3e-5.
 */
// @ts-ignore: decorator
@inline
function roundingRest(beta: f64): f32 {
  return <f32>(beta - <f64><f32>beta)
}

// @ts-ignore: decorator
@inline
function flush(moment: v128): v128 {
  return v128.and(moment, f32x4.ge(f32x4.abs(moment), f32x4.splat(MOMENT_MIN)))
}
