import type { SweepId, TrialParams, TrialStatus } from '@trainyard/contracts'
import type { ScoredTrialRow } from '@trainyard/domain'
import type { Queryable } from '../client.ts'

/** Trials that have ended, in the order of finishing. */
export async function readScored(
  queryable: Queryable,
  sweepId: SweepId,
): Promise<ScoredTrialRow[]> {
  const rows = await queryable.$queryRaw<
    {
      trial_index: number
      params: unknown
      objective: number | null
      status: string
      finished_order: number | null
    }[]
  >`
    SELECT trial_index, params, objective, status, finished_order FROM sweep_trials
    WHERE sweep_id = ${sweepId} AND status NOT IN ('waiting', 'running') ORDER BY finished_order, trial_index`
  return rows.map((row) => ({
    trialIndex: row.trial_index,
    params: row.params as TrialParams,
    objective: row.objective,
    status: row.status as TrialStatus,
    finishedOrder: row.finished_order,
  }))
}
