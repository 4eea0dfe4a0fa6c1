import type { Sweep, SweepRound } from '@trainyard/contracts'
import type { NewSweepEvent, OpenTrial, ScoredTrialRow, SettledTrial } from '@trainyard/domain'
import { toLoss } from '@trainyard/sweeps'
import type { TrialChanges } from './settle-trials.ts'

/** Starts, ends with their reasons, and every new best, in the order in which they happened. */
export function describeChanges(
  objective: Sweep['objective'],
  { started, settled }: TrialChanges,
  open: readonly OpenTrial[],
  before: readonly ScoredTrialRow[],
): NewSweepEvent[] {
  const byIndex = new Map(open.map((trial) => [trial.trialIndex, trial]))
  let best = before.reduce(
    (lowest, row) =>
      row.objective === null ? lowest : Math.min(lowest, toLoss(objective, row.objective)),
    Number.POSITIVE_INFINITY,
  )
  const starts = started.map(
    (trialIndex): NewSweepEvent => ({
      type: 'trial.started',
      message: `Trial ${trialIndex} has started`,
      data: {
        trial_index: trialIndex,
        params: byIndex.get(trialIndex)?.params ?? {},
        job_ids: byIndex.get(trialIndex)?.jobs.map(({ jobId }) => jobId) ?? [],
      },
    }),
  )
  const ends = settled.flatMap((trial): NewSweepEvent[] => {
    const events = describeEnd(trial, byIndex.get(trial.trialIndex))
    const loss = trial.objective === null ? null : toLoss(objective, trial.objective.mean)
    if (loss === null || loss >= best) return events
    best = loss
    const mean = trial.objective?.mean
    return [
      ...events,
      {
        type: 'trial.best',
        message: `Trial ${trial.trialIndex} is the best so far: ${objective.metric} ${mean}`,
        data: {
          trial_index: trial.trialIndex,
          objective: trial.objective,
          params: byIndex.get(trial.trialIndex)?.params ?? {},
        },
      },
    ]
  })
  return [...starts, ...ends]
}

/** With all ranges and how they came about. */
export function describeRound(round: SweepRound): NewSweepEvent {
  return {
    type: 'sweep.round_started',
    message: `Round ${round.round}: ${round.ranges.map(({ explanation }) => explanation).join('; ')}`,
    data: { ...round },
  }
}

function describeEnd(
  { trialIndex, status, objective, epochs, error }: SettledTrial,
  trial: OpenTrial | undefined,
): NewSweepEvent[] {
  const data = { trial_index: trialIndex, status, objective, epochs }
  switch (status) {
    case 'complete':
      return [{ type: 'trial.completed', message: `Trial ${trialIndex} has ended`, data }]
    case 'pruned': {
      const decision = trial?.decision ?? null
      const message = `Trial ${trialIndex} was stopped early: ${String(decision?.reason ?? '')}`
      return [{ type: 'trial.pruned', message, data: { ...data, decision } }]
    }
    case 'failed':
      return [
        {
          type: 'trial.failed',
          message: `Trial ${trialIndex} has failed: ${error?.message ?? ''}`,
          data: { ...data, error },
        },
      ]
    default:
      return []
  }
}
