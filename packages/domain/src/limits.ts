/** Numeric bombs are refused before anything is queued: every limit names the field, the value and the bound. */
import type { FieldError, ResolvedConfig } from '@trainyard/contracts'
import { DomainError } from './errors.ts'

export const PARAMETERS_MAX = 50_000_000

export interface NetworkPlan {
  parameterCount: number
  flopsPerEpoch: number
  memoryBytes: number
}

/** Throws `budget_exceeded` with all limits that the job breaks. `memoryBytesMax` is the operator's (`TRAINYARD_JOB_MEMORY_MB`). */
export function assertWithinLimits(
  plan: NetworkPlan,
  resolved: ResolvedConfig,
  memoryBytesMax: number,
): void {
  const errors: FieldError[] = []
  if (!(plan.parameterCount <= PARAMETERS_MAX)) {
    errors.push({
      pointer: '#/model/hidden',
      detail: `the network has ${plan.parameterCount} parameters, at most ${PARAMETERS_MAX} are accepted`,
    })
  }
  if (!(plan.memoryBytes <= memoryBytesMax)) {
    errors.push({
      pointer: '#/model/hidden',
      detail: `training needs ${plan.memoryBytes} bytes of memory, at most ${memoryBytesMax} are accepted (batch size ${resolved.training.batch_size})`,
    })
  }
  if (errors.length > 0) {
    throw new DomainError('budget_exceeded', {
      detail: errors.map((error) => error.detail).join('; '),
      errors,
    })
  }
}
