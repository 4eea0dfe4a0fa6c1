/** Numeric bombs are refused before anything is queued: every limit names the field, the value and the bound. */
import type { FieldError, ResolvedConfig } from '@trainyard/contracts'
import { DomainError } from './errors.ts'

export const PARAMETERS_MAX = 50_000_000
/**
 * Multiplications to make the matrices of a network orthogonal, min(in, out)² · max(in, out) for each: about ten seconds,
 * in which a training thread can be asked nothing.
 */
const ORTHOGONAL_WORK_MAX = 2 ** 31

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
  if (!(orthogonalWork(resolved.model) <= ORTHOGONAL_WORK_MAX)) {
    errors.push({
      pointer: '#/model/hidden',
      detail:
        'initializer "orthogonal" takes too long for layers of this size, at most two of 1024 × 1024; use another for the large ones',
    })
  }
  if (errors.length > 0) {
    throw new DomainError('budget_exceeded', {
      detail: errors.map((error) => error.detail).join('; '),
      errors,
    })
  }
}

function orthogonalWork({ inputs, hidden, output }: ResolvedConfig['model']): number {
  const layers = [...hidden, output]
  return layers.reduce((work, { units, initializer }, i) => {
    if (initializer !== 'orthogonal') return work
    const width = i === 0 ? inputs : (layers[i - 1]?.units ?? 0)
    return work + Math.min(width, units) ** 2 * Math.max(width, units)
  }, 0)
}
