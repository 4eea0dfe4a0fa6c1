import type { List, ProjectId, TrialReplay } from '@trainyard/contracts'
import type { SweepStore } from '@trainyard/domain'
import type { ReplayedTrial, SweepRecord } from '@trainyard/sweeps'
import type { SweepThread } from '../threads/sweep-thread.ts'
import { findSweep } from './find-sweep.ts'

export type ReplaySweep = (
  projectId: ProjectId,
  id: string,
  page: { limit: number; after?: number | undefined },
) => Promise<List<TrialReplay>>

/** Makes the choices and decisions again from what the sweep recorded of them. Trains nothing, stores nothing. */
export function makeReplaySweep({
  sweeps,
  thread,
}: {
  sweeps: Pick<SweepStore, 'find' | 'record'>
  thread: Pick<SweepThread, 'replay'>
}): ReplaySweep {
  return async (projectId, id, { limit, after }) => {
    const { id: sweepId, config, seed, max_trials, rounds } = await findSweep(sweeps, projectId, id)
    const { trials, rungs } = await sweeps.record(sweepId)
    const record: SweepRecord = {
      trials: trials.map((trial) => ({
        ...trial,
        params: trial.status === 'infeasible' ? null : trial.params,
      })),
      rungs,
      rounds,
    }
    const first = after === undefined ? 0 : after + 1
    const drawn = { seed, maxTrials: max_trials }
    const replayed = await thread.replay({ config, drawn, record, first, count: limit })
    const byIndex = new Map(trials.map((trial) => [trial.trialIndex, trial]))
    const data = replayed.map((trial) => toReplay(trial, byIndex.get(trial.trialIndex)))
    const last = trials.at(-1)?.trialIndex ?? -1
    return {
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: last >= first + limit,
    }
  }
}

function toReplay(
  { trialIndex, recorded, replayed, decisions, identical }: ReplayedTrial,
  trial: { seenTrials: number | null; finishedOrder: number | null } | undefined,
): TrialReplay {
  return {
    object: 'sweep.trial_replay',
    id: String(trialIndex),
    trial_index: trialIndex,
    seen_trials: trial?.seenTrials ?? null,
    finished_order: trial?.finishedOrder ?? null,
    params: recorded,
    replayed_params: replayed,
    decisions: decisions.map(({ position, epoch, value, decision, replayed: again }) => ({
      position,
      epoch,
      value: Number.isFinite(value) ? value : null,
      decision,
      replayed_decision: again === null ? null : { ...again },
    })),
    identical,
  }
}
