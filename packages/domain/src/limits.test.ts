import { expect, it } from 'vitest'
import { DomainError } from './errors.ts'
import { assertWithinLimits, PARAMETERS_MAX } from './limits.ts'

const resolved = withLayers('orthogonal', 1024, 1024)

it('accepts a network at its limits', () => {
  const plan = { parameterCount: PARAMETERS_MAX, flopsPerEpoch: 1, memoryBytes: 100 }

  expect(() => assertWithinLimits(plan, resolved, 100)).not.toThrow()
})

it('refuses one above them with the value and the limit of each', () => {
  const plan = { parameterCount: PARAMETERS_MAX + 1, flopsPerEpoch: 1, memoryBytes: 101 }

  const refusal = catchError(() => assertWithinLimits(plan, resolved, 100))

  expect(refusal.code).toBe('budget_exceeded')
  expect(refusal.details.errors?.map((error) => error.detail)).toEqual([
    'the network has 50000001 parameters, at most 50000000 are accepted',
    'training needs 101 bytes of memory, at most 100 are accepted (batch size 32)',
  ])
})

it('refuses what cannot be counted', () => {
  const plan = {
    parameterCount: Number.NaN,
    flopsPerEpoch: 1,
    memoryBytes: Number.POSITIVE_INFINITY,
  }

  expect(catchError(() => assertWithinLimits(plan, resolved, 100)).details.errors).toHaveLength(2)
})

it('refuses matrices that would take minutes to make orthogonal, and takes their size otherwise', () => {
  const plan = { parameterCount: 1, flopsPerEpoch: 1, memoryBytes: 1 }

  const refusal = catchError(() =>
    assertWithinLimits(plan, withLayers('orthogonal', 1024, 1025, 1024), 1),
  )
  expect(refusal.details.errors).toMatchObject([
    { pointer: '#/model/hidden', detail: expect.stringMatching(/orthogonal/) },
  ])
  expect(() => assertWithinLimits(plan, withLayers('auto', 4096, 4096), 1)).not.toThrow()
  expect(() => assertWithinLimits(plan, withLayers('orthogonal', 4, 65_536), 1)).not.toThrow()
})

/** Hidden layers of so many units, all with the initializer, before an output of one unit. */
function withLayers(initializer: 'auto' | 'orthogonal', inputs: number, ...units: number[]) {
  const hidden = units.map((count) => ({ units: count, initializer }))
  const model = { inputs, hidden, output: { units: 1, initializer: 'auto' } }
  return { model, training: { batch_size: 32 } } as never
}

function catchError(action: () => void): DomainError {
  try {
    action()
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
