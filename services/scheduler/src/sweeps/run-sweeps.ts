/**
 * Carries sweeps on: one round looks at each that has something to be done, records what has ended, ends the sweep or
 * chooses its next trials. All it knows is in rows: a scheduler that dies in between is followed by one that does the same.
 */
import type { SweepStatus, SweepStopReason, TrialStatus } from '@trainyard/contracts'
import {
  DomainError,
  type NewSweepEvent,
  type OpenTrial,
  type RunningSweep,
  type ScoredTrialRow,
  type SettledTrial,
  type SweepUpdate,
} from '@trainyard/domain'
import { findBoundaryWarnings, pickBest } from '@trainyard/sweeps'
import type { SchedulerDeps } from '../deps.ts'
import { chooseTrials, leftInRound, nextRound, roomFor, toScored } from './choose-trials.ts'
import { describeChanges, describeRound } from './describe-changes.ts'
import { findUnkept } from './find-unkept.ts'
import { leaveOut, makeFinishedTrials, toRows } from './finished-trials.ts'
import { LostSearchError, makeLoadSearch, type Search } from './load-search.ts'
import { abandonTrials, hasEnded, settleTrials, type TrialChanges } from './settle-trials.ts'
import { makeTellEpochs } from './tell-epochs.ts'

type Deps = Pick<
  SchedulerDeps,
  'sweeps' | 'datasets' | 'models' | 'workers' | 'pulse' | 'log' | 'jobMemoryBytesMax'
>

/** True when something was changed: the next round follows at once. */
export function makeRunSweeps(deps: Deps): () => Promise<boolean> {
  const { sweeps, workers, pulse, log } = deps
  const loadSearch = makeLoadSearch(deps)
  const tellEpochs = makeTellEpochs()
  const finished = makeFinishedTrials(deps)

  return async () => {
    const active = await sweeps.active()
    finished.forget(active)
    tellEpochs.forget(active)
    if (active.length === 0) return false
    const slots = await workers.slots()
    let hasChanged = false
    let failure: unknown = null
    for (const running of active) {
      try {
        if (!(await runSweep(running, slots))) continue
        hasChanged = true
        pulse.sweepChanged(running.id)
      } catch (error) {
        // Postgres is away for all of them; a fault of one sweep shall not hold up those behind it.
        if (error instanceof DomainError) throw error
        if (!(error instanceof LostSearchError)) {
          log.error({ err: error, sweep: running.id }, 'a round of a sweep has failed')
          failure ??= error
          continue
        }
        log.error({ err: error, sweep: running.id }, 'a sweep cannot be carried on')
        await fail(running, error.message)
      }
    }
    if (failure !== null) throw failure
    return hasChanged
  }

  async function runSweep(running: RunningSweep, slots: number): Promise<boolean> {
    const search = await loadSearch(running)
    const { sweep } = search
    const open = await sweeps.openTrials(running.id)
    const changes = settleTrials(running.objective, sweep.repeats, open)
    const settled = toRows(changes.settled, open)
    const before = leaveOut(open, await finished.read(running))
    const update = toUpdate(search, running, open, changes, before.rows)
    update.unkept = findUnkept(sweep, before.rows, settled)
    const isStopping = update.stopReason !== undefined
    if (isWorthWriting(update)) {
      if (!(await sweeps.apply(running.id, update))) return true
      finished.add(running, before, settled)
    }
    if (isStopping) {
      for (const jobId of await sweeps.cancelJobs(running.id)) pulse.stopAsked(jobId, 'cancel')
      return true
    }
    const status = update.status ?? running.status
    const isChoosing = status === 'running' && running.stopReason === null
    const stillOpen = open.length - changes.settled.length
    const chosen = isChoosing ? await chooseMore(search, running, stillOpen, slots) : 0
    return isWorthWriting(update) || chosen > 0
  }

  async function chooseMore(search: Search, running: RunningSweep, open: number, slots: number) {
    const { rows, count } = await finished.read(running)
    const known = { ...running, finishedTrials: count }
    const round = nextRound(search, known, open, rows)
    if (round !== null) {
      known.rounds = [...known.rounds, round]
      const opened = {
        started: [],
        settled: [],
        rounds: known.rounds,
        events: [describeRound(round)],
      }
      if (!(await sweeps.apply(running.id, opened))) return 0
    }
    const room = Math.min(roomFor(search, known, open, slots), leftInRound(search, known))
    if (room <= 0) return 0
    const trials = chooseTrials(search, known, room, rows, deps.jobMemoryBytesMax)
    if (!(await sweeps.insertTrials(known, trials))) return 0
    return trials.length
  }

  function toUpdate(
    search: Search,
    running: RunningSweep,
    open: readonly OpenTrial[],
    changes: TrialChanges,
    before: readonly ScoredTrialRow[],
  ): SweepUpdate {
    const events: NewSweepEvent[] = []
    const update: SweepUpdate = { ...changes, events }
    if (running.status === 'queued') {
      update.status = 'running'
      events.push({
        type: 'sweep.started',
        message: 'The first trials are chosen',
        data: { status: 'running', max_trials: running.maxTrials },
      })
    }
    events.push(...describeChanges(running.objective, changes, open, before))
    events.push(...tellEpochs.tell(running, open))
    const left = open.length - changes.settled.length
    const total = countTrials(running, changes.settled)
    const reason =
      left > 0 || isUnfinished(running) ? findStopReason(running, changes, total) : null
    if (reason !== null && running.stopReason === null && running.status !== 'cancelling') {
      update.stopReason = reason
      return update
    }
    const ended = findEnd(running, open, left, total)
    if (ended !== null) {
      update.status = ended
      end(search, running, open, update, total, before)
    }
    return update
  }

  /** Terminal, or paused: nothing is under way any more. */
  function findEnd(
    running: RunningSweep,
    open: readonly OpenTrial[],
    left: number,
    total: Partial<Record<TrialStatus, number>>,
  ): SweepStatus | null {
    if (running.status === 'pausing') {
      // A training that was paused by itself may stay so for ever.
      const isBusy = open.some(({ jobs }) =>
        jobs.some((job) => !hasEnded(job) && job.status !== 'queued' && job.status !== 'paused'),
      )
      return isBusy ? null : 'paused'
    }
    if (left > 0) return null
    if (running.status === 'cancelling') return 'cancelled'
    if (running.stopReason === null && isUnfinished(running)) return null
    return (total.complete ?? 0) + (total.pruned ?? 0) > 0 ? 'succeeded' : 'failed'
  }

  function end(
    { sweep }: Search,
    running: RunningSweep,
    open: readonly OpenTrial[],
    update: SweepUpdate,
    total: Partial<Record<TrialStatus, number>>,
    before: readonly ScoredTrialRow[],
  ): void {
    const { status } = update
    if (status === 'paused') {
      update.events.push({ type: 'sweep.paused', message: 'The sweep is paused', data: { status } })
      return
    }
    const reason = running.stopReason ?? (status === 'cancelled' ? 'cancelled' : 'trials_completed')
    if (running.stopReason === null && status !== 'cancelled') update.stopReason = reason
    const causes = countCauses(running, update.settled)
    const failures = Object.entries(causes)
      .map(([code, count]) => `${code} ${count}`)
      .join(', ')
    if (status === 'failed') {
      const trials = Object.values(total).reduce((sum, count) => sum + count, 0)
      update.error = {
        code: 'all_trials_failed',
        message: `None of ${trials} trials has a result: ${failures || `ended by ${reason}`}`,
      }
    }
    const best = pickBest(toScored(sweep, [...before, ...toRows(update.settled, open)]), 1)[0]
    if (best !== undefined) update.warnings = findBoundaryWarnings(sweep, best.params)
    update.events.push({
      type:
        status === 'succeeded'
          ? 'sweep.succeeded'
          : status === 'failed'
            ? 'sweep.failed'
            : 'sweep.cancelled',
      message:
        status === 'failed'
          ? (update.error?.message ?? '')
          : status === 'cancelled'
            ? 'The sweep was cancelled'
            : `The sweep has ended: ${reason}`,
      data: {
        status,
        stop_reason: reason,
        trials: total,
        failures: causes,
        best_trial_index: best?.trialIndex ?? null,
      },
    })
  }

  async function fail(running: RunningSweep, message: string): Promise<void> {
    for (const jobId of await sweeps.cancelJobs(running.id)) pulse.stopAsked(jobId, 'cancel')
    const error = { code: 'invalid_config', message }
    const open = await sweeps.openTrials(running.id)
    await sweeps.apply(running.id, {
      started: [],
      settled: abandonTrials(open),
      status: 'failed',
      error,
      events: [{ type: 'sweep.failed', message, data: { status: 'failed', error } }],
    })
    pulse.sweepChanged(running.id)
  }
}

function isWorthWriting({ started, settled, events, status, stopReason }: SweepUpdate): boolean {
  return (
    started.length + settled.length + events.length > 0 ||
    status !== undefined ||
    stopReason !== undefined
  )
}

function isUnfinished({ chosen, maxTrials }: RunningSweep): boolean {
  return chosen < maxTrials
}

/** Why no more trials shall start and those under way shall stop. */
function findStopReason(
  { config, objective, seconds }: RunningSweep,
  { settled }: TrialChanges,
  total: Partial<Record<TrialStatus, number>>,
): SweepStopReason | null {
  const { target, goal } = objective
  const isReached = ({ objective: reached }: SettledTrial) =>
    target !== null &&
    reached !== null &&
    (goal === 'minimize' ? reached.mean <= target : reached.mean >= target)
  if (settled.some(isReached)) return 'target_reached'
  if (config.max_failed !== undefined && (total.failed ?? 0) > config.max_failed)
    return 'max_failed'
  if (config.max_seconds !== undefined && seconds > config.max_seconds) return 'max_seconds'
  return null
}

function countTrials(
  { trials }: RunningSweep,
  settled: readonly SettledTrial[],
): Partial<Record<TrialStatus, number>> {
  const { waiting: _waiting, running: _running, ...total } = trials
  for (const { status } of settled) {
    const known = total as Partial<Record<TrialStatus, number>>
    known[status] = (known[status] ?? 0) + 1
  }
  return total
}

function countCauses(
  { failures }: RunningSweep,
  settled: readonly SettledTrial[],
): Record<string, number> {
  const causes = { ...failures }
  for (const { error } of settled) {
    if (error !== null) causes[error.code] = (causes[error.code] ?? 0) + 1
  }
  return causes
}
