/** Sweeps and trials as the store would read them. */
import type { JobId, SweepSpec } from '@trainyard/contracts'
import type { OpenTrial, RunningSweep, TrialJob } from '@trainyard/domain'
import { type ResolvedSweep, resolveSweep } from '@trainyard/sweeps'

export const LEARNING_RATE = 'training.optimizer.learning_rate'

export const OBJECTIVE: RunningSweep['objective'] = {
  metric: 'val_loss',
  goal: 'minimize',
  target: null,
  at: 'best',
}

export function makeTrialJob(overrides: Partial<TrialJob> & { loss?: number } = {}): TrialJob {
  const { loss, ...rest } = overrides
  const best = loss === undefined ? null : { epoch: 2, metrics: { val_loss: loss } }
  return {
    jobId: 'job_1' as JobId,
    repeat: 0,
    status: 'succeeded',
    stopReason: null,
    epoch: 3,
    best: best as TrialJob['best'],
    final: null,
    error: null,
    finishedAt: new Date(1000),
    ...rest,
  }
}

export function makeOpenTrial(trialIndex: number, jobs: TrialJob[]): OpenTrial {
  const params = { [LEARNING_RATE]: 0.01 }
  return { trialIndex, status: 'waiting', params, decision: null, jobs }
}

const SPEC: SweepSpec = {
  base: { dataset_id: 'ds_1', training: { epochs: 9 } },
  seed: 7,
  max_trials: 20,
  parameters: { [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-4, max: 1e-1 } },
}

export function makeResolvedSweep(overrides: Partial<SweepSpec> = {}): ResolvedSweep {
  const resolution = resolveSweep({ ...SPEC, ...overrides }, { seed: 1 })
  if ('faults' in resolution) throw new Error(JSON.stringify(resolution.faults))
  return resolution.sweep
}

export function makeRunningSweep(overrides: Partial<RunningSweep> = {}): RunningSweep {
  return {
    id: 'swp_1',
    projectId: 'proj_1',
    datasetId: 'ds_1',
    status: 'running',
    stopReason: null,
    config: SPEC,
    method: 'random',
    seed: 7,
    objective: OBJECTIVE,
    maxTrials: 20,
    engineVersion: '1',
    rounds: [],
    finishedTrials: 0,
    chosen: 0,
    trials: {},
    failures: {},
    seconds: 0,
    ...overrides,
  } as RunningSweep
}
