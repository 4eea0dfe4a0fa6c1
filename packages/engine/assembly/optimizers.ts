/**
 * Optimizer steps over the flat vector of all parameters, a multiple of 4 float32: one loop for the
 * whole network. Padding has gradient zero and stays zero. Formulas: src/optimizers.
 */
import { job, optimizer } from './layout'
import { multiplyAdd, multiplySubtract } from './tiles'

/** Moments below this decay into denormals, each of which costs a hundred cycles, and mean nothing. */
const MOMENT_MIN: f32 = 1e-25

/** One update of every parameter by the job's optimizer. */
export function updateParameters(): void {
  switch (load<i32>(job.optimizer)) {
    case optimizer.sgd:
      return sgdStep()
    case optimizer.momentum:
      return momentumStep()
    case optimizer.adam:
      return correctedAdamStep()
    default:
      return adamStep(<f32>load<f64>(job.learningRate), <f32>load<f64>(job.epsilon))
  }
}

function sgdStep(): void {
  let x = <usize>load<i32>(job.parameters), g = <usize>load<i32>(job.gradient)
  const end = x + <usize>load<i32>(job.parameterBytes)
  const rate = f32x4.splat(<f32>load<f64>(job.learningRate))
  for (; x < end; x += 16, g += 16) {
    v128.store(x, multiplySubtract(rate, v128.load(g), v128.load(x)))
  }
}

function momentumStep(): void {
  let x = <usize>load<i32>(job.parameters), g = <usize>load<i32>(job.gradient)
  let v = <usize>load<i32>(job.firstMoment)
  const end = x + <usize>load<i32>(job.parameterBytes)
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

/**
 * Adam with its corrections taken out of the loop: η·m̂/(√v̂ + ε) = η·√c2/c1 · m/(√v + ε·√c2) with
 * c1 = 1 - β1^t and c2 = 1 - β2^t.
 */
function correctedAdamStep(): void {
  const beta1Power = load<f64>(job.beta1Power) * load<f64>(job.beta1)
  const beta2Power = load<f64>(job.beta2Power) * load<f64>(job.beta2)
  store<f64>(job.beta1Power, beta1Power)
  store<f64>(job.beta2Power, beta2Power)
  const root = Math.sqrt(1 - beta2Power)
  const rate = (load<f64>(job.learningRate) * root) / (1 - beta1Power)
  adamStep(<f32>rate, <f32>(load<f64>(job.epsilon) * root))
}

function adamStep(rate: f32, epsilon: f32): void {
  let x = <usize>load<i32>(job.parameters), g = <usize>load<i32>(job.gradient)
  let m = <usize>load<i32>(job.firstMoment), v = <usize>load<i32>(job.secondMoment)
  const end = x + <usize>load<i32>(job.parameterBytes)
  const rates = f32x4.splat(rate), epsilons = f32x4.splat(epsilon)
  const beta1 = load<f64>(job.beta1), beta2 = load<f64>(job.beta2)
  const keep1 = f32x4.splat(<f32>beta1), rest1 = f32x4.splat(roundingRest(beta1))
  const keep2 = f32x4.splat(<f32>beta2), rest2 = f32x4.splat(roundingRest(beta2))
  const take1 = f32x4.splat(<f32>(1 - beta1)), take2 = f32x4.splat(<f32>(1 - beta2))
  for (; x < end; x += 16, g += 16, m += 16, v += 16) {
    const gradient = v128.load(g), oldFirst = v128.load(m), oldSecond = v128.load(v)
    let first = multiplyAdd(rest1, oldFirst, f32x4.mul(take1, gradient))
    first = flush(multiplyAdd(keep1, oldFirst, first))
    let second = multiplyAdd(rest2, oldSecond, f32x4.mul(take2, f32x4.mul(gradient, gradient)))
    second = multiplyAdd(keep2, oldSecond, second)
    v128.store(m, first)
    v128.store(v, second)
    const step = f32x4.div(f32x4.mul(rates, first), f32x4.add(f32x4.sqrt(second), epsilons))
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
