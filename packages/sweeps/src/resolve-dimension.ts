import { DISTRIBUTIONS, type SweptParameter } from '@trainyard/contracts'
import type { Dimension, NumericDimension } from './space.ts'
import { asWritten } from './unit-scale.ts'

type Refuse = (place: string, detail: string) => void
type Distribution = (typeof DISTRIBUTIONS)[number]

/** Fields that each distribution takes; `count` is for grids, and ranges alone. */
const FIELDS: Record<Distribution, readonly (keyof SweptParameter)[]> = {
  constant: ['value'],
  categorical: ['values', 'probabilities'],
  uniform: ['min', 'max', 'count'],
  log_uniform: ['min', 'max', 'count'],
  q_uniform: ['min', 'max', 'q', 'count'],
  int_uniform: ['min', 'max', 'count'],
  int_log_uniform: ['min', 'max', 'count'],
  normal: ['mu', 'sigma', 'count'],
  log_normal: ['mu', 'sigma', 'count'],
}
/** A normal distribution is cut off here: one draw in sixteen thousand would lie beyond. */
const SIGMAS = 4

/** The dimension of one parameter, null when a fault was found. */
export function resolveDimension(
  name: string,
  parameter: SweptParameter,
  when: Dimension['when'],
  refuse: Refuse,
): Dimension | null {
  const distribution = chooseDistribution(parameter, refuse)
  if (distribution === null) return null
  const known = new Set<string>([...FIELDS[distribution], 'distribution', 'when'])
  let isRefused = false
  const fault: Refuse = (place, detail) => {
    isRefused = true
    refuse(place, detail)
  }
  for (const field of Object.keys(parameter)) {
    if (!known.has(field)) fault(field, `has no meaning for the distribution ${distribution}`)
  }
  for (const field of FIELDS[distribution]) {
    const isOptional = field === 'count' || field === 'probabilities'
    if (!isOptional && parameter[field] === undefined) fault(field, `${distribution} needs it`)
  }
  if (isRefused) return null

  const dimension = make(name, distribution, parameter, when, fault)
  return isRefused ? null : dimension
}

function make(
  name: string,
  distribution: Distribution,
  parameter: SweptParameter,
  when: Dimension['when'],
  fault: Refuse,
): Dimension {
  const { min = 0, max = 0, mu = 0, sigma = 1, count = null } = parameter
  const numeric = (range: Partial<NumericDimension>): NumericDimension => ({
    kind: 'numeric',
    name,
    when,
    min,
    max,
    scale: 'linear',
    step: null,
    normal: null,
    count,
    ...range,
  })
  const assertRange = (isWhole: boolean, isLog: boolean) => {
    if (isWhole) {
      for (const place of ['min', 'max'] as const) {
        if (!Number.isSafeInteger(parameter[place])) fault(place, 'must be a whole number')
      }
    }
    if (isLog && !(min > 0)) {
      fault('min', `is ${min}; a logarithmic range needs a bound above 0`)
    } else if (!(min < max)) {
      fault('max', `is ${max}, which is not above min ${min}: the range is empty`)
    }
  }
  switch (distribution) {
    case 'constant':
      return {
        kind: 'categorical',
        name,
        when,
        values: [parameter.value ?? null],
        probabilities: [1],
      }
    case 'categorical':
      return makeCategorical(name, parameter, when, fault)
    case 'uniform':
      assertRange(false, false)
      return numeric({})
    case 'log_uniform':
      assertRange(false, true)
      return numeric({ scale: 'log' })
    case 'q_uniform': {
      assertRange(false, false)
      const step = parameter.q ?? 1
      if (step > max - min) fault('q', `is ${step}, more than the range is wide`)
      return numeric({ step, max: asWritten(min + Math.floor((max - min) / step + 1e-9) * step) })
    }
    case 'int_uniform':
      assertRange(true, false)
      return numeric({ step: 1 })
    case 'int_log_uniform':
      assertRange(true, true)
      return numeric({ step: 1, scale: 'log' })
    case 'normal':
      return numeric({ min: mu - SIGMAS * sigma, max: mu + SIGMAS * sigma, normal: { mu, sigma } })
    case 'log_normal': {
      const bounds = { min: Math.exp(mu - SIGMAS * sigma), max: Math.exp(mu + SIGMAS * sigma) }
      if (!(bounds.min > 0 && Number.isFinite(bounds.max))) {
        fault('sigma', 'four of it around mu leave the range of a number')
      }
      return numeric({ ...bounds, scale: 'log', normal: { mu, sigma } })
    }
  }
}

function makeCategorical(
  name: string,
  { values = [], probabilities }: SweptParameter,
  when: Dimension['when'],
  fault: Refuse,
): Dimension {
  const texts = values.map((value) => JSON.stringify(value))
  const double = texts.findIndex((text, i) => texts.indexOf(text) !== i)
  if (double >= 0) fault(`values/${double}`, 'stands in the list before')
  let shares = values.map(() => 1 / values.length)
  if (probabilities !== undefined) {
    const sum = probabilities.reduce((a, b) => a + b, 0)
    if (probabilities.length !== values.length) {
      fault('probabilities', `has ${probabilities.length} entries for ${values.length} values`)
    } else if (!(sum > 0 && Number.isFinite(sum))) {
      fault('probabilities', 'must sum to more than 0')
    }
    shares = probabilities.map((p) => p / sum)
  }
  return { kind: 'categorical', name, when, values, probabilities: shares }
}

function chooseDistribution(parameter: SweptParameter, refuse: Refuse): Distribution | null {
  const { distribution, values, value, min, max } = parameter
  if (distribution === 'log_uniform_values') return 'log_uniform'
  if (distribution !== undefined) return distribution
  if (values !== undefined) return 'categorical'
  if (value !== undefined) return 'constant'
  if (min !== undefined && max !== undefined) {
    return Number.isInteger(min) && Number.isInteger(max) ? 'int_uniform' : 'uniform'
  }
  refuse(
    '',
    `needs values, a value, min and max, or one of the distributions ${DISTRIBUTIONS.join(', ')}`,
  )
  return null
}
