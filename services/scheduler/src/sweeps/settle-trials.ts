/** What has become of the trials that had not ended when last looked at. Pure. */
import type { Sweep } from '@trainyard/contracts'
import type { OpenTrial, SettledTrial, TrialJob } from '@trainyard/domain'
import { objectiveOf, summarizeRepeats } from '@trainyard/sweeps'

const ENDED = ['succeeded', 'failed', 'cancelled']

export interface TrialChanges {
  started: number[]
  /** In the order of finishing. */
  settled: SettledTrial[]
}

export function settleTrials(
  objective: Sweep['objective'],
  repeats: number,
  open: readonly OpenTrial[],
): TrialChanges {
  const started = open
    .filter(
      ({ status, jobs }) => status === 'waiting' && jobs.some((job) => job.status !== 'queued'),
    )
    .map(({ trialIndex }) => trialIndex)
  const settled = open
    .filter(({ jobs }) => jobs.length < repeats || jobs.every(hasEnded))
    .map((trial) => ({ trial, finishedMs: lastOf(trial.jobs) }))
    .toSorted((a, b) => a.finishedMs - b.finishedMs || a.trial.trialIndex - b.trial.trialIndex)
    .map(({ trial }) => settle(objective, trial))
  return { started, settled }
}

export function hasEnded({ status }: Pick<TrialJob, 'status'>): boolean {
  return ENDED.includes(status)
}

function lastOf(jobs: readonly TrialJob[]): number {
  return Math.max(0, ...jobs.map(({ finishedAt }) => finishedAt?.getTime() ?? 0))
}

/** Those of a sweep that cannot be carried on: whatever their trainings come to, nobody judges it. */
export function abandonTrials(open: readonly OpenTrial[]): SettledTrial[] {
  return open.map(({ trialIndex, jobs }) => ({
    ...{ trialIndex, status: 'cancelled', objective: null, error: null },
    epochs: epochsOf(jobs),
  }))
}

function epochsOf(jobs: readonly TrialJob[]): number {
  return jobs.reduce((sum, { epoch }) => sum + epoch, 0)
}

function settle(objective: Sweep['objective'], { trialIndex, jobs }: OpenTrial): SettledTrial {
  const values = jobs.map((job) => objectiveOf(objective, job)).filter((value) => value !== null)
  const summary = summarizeRepeats(values)
  const failed = jobs.find(({ error }) => error !== null)?.error ?? null
  const settled = { trialIndex, objective: summary, epochs: epochsOf(jobs) }
  if (summary !== null) {
    const isPruned = jobs.some(({ stopReason }) => stopReason === 'pruned')
    return { ...settled, status: isPruned ? 'pruned' : 'complete', error: null }
  }
  if (failed !== null) {
    return { ...settled, status: 'failed', error: { code: failed.code, message: failed.message } }
  }
  if (jobs.some(({ status }) => status === 'cancelled')) {
    return { ...settled, status: 'cancelled', error: null }
  }
  const isGone = jobs.length === 0 || !jobs.every(hasEnded)
  const error = isGone
    ? { code: 'deleted', message: 'a training of the trial was deleted' }
    : { code: 'no_objective', message: `no training has a finite ${objective.metric}` }
  return { ...settled, status: 'failed', error }
}
