import type { ProjectId, Sweep, SweepImportance } from '@trainyard/contracts'
import { DomainError, type ScoredTrialRow, type SweepStore } from '@trainyard/domain'
import { IMPORTANCE_TRIALS_MIN, type ResolvedSweep, resolveSweep } from '@trainyard/sweeps'
import type { SweepThread } from '../threads/sweep-thread.ts'
import { findSweep } from './find-sweep.ts'

export interface SweepResults {
  sweep: Sweep
  resolved: ResolvedSweep
  /** In the order of finishing. */
  trials: ScoredTrialRow[]
}

export interface ExplainSweep {
  results(projectId: ProjectId, id: string): Promise<SweepResults>
  importance(projectId: ProjectId, id: string): Promise<SweepImportance>
}

export function makeExplainSweep({
  sweeps,
  thread,
}: {
  sweeps: Pick<SweepStore, 'find' | 'scored'>
  thread: SweepThread
}): ExplainSweep {
  const results = async (projectId: ProjectId, id: string): Promise<SweepResults> => {
    const sweep = await findSweep(sweeps, projectId, id)
    const { config, seed, max_trials: maxTrials } = sweep
    const resolution = resolveSweep(config, { seed, maxTrials })
    if ('faults' in resolution) throw new Error(`the stored sweep ${sweep.id} cannot be resolved`)
    return { sweep, resolved: resolution.sweep, trials: await sweeps.scored(sweep.id) }
  }
  return {
    results,
    async importance(projectId, id) {
      const { resolved, trials } = await results(projectId, id)
      const scored = trials.flatMap(({ params, objective }) =>
        objective === null ? [] : [{ params, objective }],
      )
      if (scored.length < IMPORTANCE_TRIALS_MIN) {
        const detail = `${scored.length} trials have a result, ${IMPORTANCE_TRIALS_MIN} are needed.`
        throw new DomainError('sweep_unfinished', { detail })
      }
      const report = await thread.measure({ space: resolved.space, trials: scored })
      return { object: 'sweep_importance', method: 'fanova', ...report }
    },
  }
}
