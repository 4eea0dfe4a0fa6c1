import type { SweepId, TrialParams, TrialStatus } from '@trainyard/contracts'
import type { ScoredTrialRow, SweepRecordRows } from '@trainyard/domain'
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

/** All that the choices and decisions of a sweep followed from. */
export async function readRecord(queryable: Queryable, sweepId: SweepId): Promise<SweepRecordRows> {
  const trials = await queryable.$queryRaw<
    {
      trial_index: number
      params: unknown
      objective: number | null
      status: string
      round: number | null
      seen_trials: number | null
      finished_order: number | null
    }[]
  >`
    SELECT trial_index, params, objective, status, round, seen_trials, finished_order FROM sweep_trials
    WHERE sweep_id = ${sweepId} ORDER BY trial_index`
  const rungs = await queryable.$queryRaw<
    {
      position: number
      trial_index: number
      epoch: number
      value: number | null
      decision: unknown
    }[]
  >`
    SELECT position, trial_index, epoch, value, decision FROM sweep_rungs WHERE sweep_id = ${sweepId} ORDER BY position`
  return {
    trials: trials.map((row) => ({
      trialIndex: row.trial_index,
      params: row.params as TrialParams,
      objective: row.objective,
      status: row.status as TrialStatus,
      round: row.round,
      seenTrials: row.seen_trials,
      finishedOrder: row.finished_order,
    })),
    rungs: rungs.map((row) => ({
      position: row.position,
      trialIndex: row.trial_index,
      epoch: row.epoch,
      value: row.value ?? Number.POSITIVE_INFINITY,
      decision: row.decision as Record<string, unknown>,
    })),
  }
}
