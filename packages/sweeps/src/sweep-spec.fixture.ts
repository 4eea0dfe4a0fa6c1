import type { SweepSpec } from '@trainyard/contracts'
import { type ResolvedSweep, resolveSweep } from './resolve-sweep.ts'

export const BASE: SweepSpec['base'] = {
  dataset_id: 'ds_1',
  training: { epochs: 81, batch_size: 32 },
}

export const LEARNING_RATE = 'training.optimizer.learning_rate'

export const SPEC: SweepSpec = {
  base: BASE,
  method: 'random',
  seed: 7,
  max_trials: 20,
  parameters: {
    [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-4, max: 1e-1 },
    'model.hidden': {
      values: [[{ units: 16 }], [{ units: 32 }, { units: 16 }], [{ units: 256 }, { units: 512 }]],
    },
    'training.regularization.l2': { min: 0, max: 0.5, distribution: 'uniform' },
  },
}

export function resolved(overrides: Partial<SweepSpec> = {}, maxTrials?: number): ResolvedSweep {
  const result = resolveSweep({ ...SPEC, ...overrides }, { seed: 1, maxTrials })
  if ('faults' in result) throw new Error(JSON.stringify(result.faults))
  return result.sweep
}

export function faultsOf(overrides: Partial<SweepSpec>): { pointer?: string; detail: string }[] {
  const result = resolveSweep({ ...SPEC, ...overrides }, { seed: 1 })
  return 'faults' in result ? (result.faults as { pointer?: string; detail: string }[]) : []
}
