/**
 * Makes the choices and decisions of a sweep again from what was recorded: how many finished trials each choice had seen, and
 * in which order trials said how they stood. Every choice depends on the record alone, so any trials can be replayed by themselves.
 */
import type { RoundRange, TrialParams } from '@trainyard/contracts'
import { decideStop, type RungRecord, type StopDecision } from './early-termination.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import { makeSuggest } from './suggest.ts'
import { toLoss } from './trial-specs.ts'

export interface RecordedTrial {
  trialIndex: number
  /** null for one whose constraints left nothing to draw. */
  params: TrialParams | null
  /** As it is, whatever the goal; null where there is none. */
  objective: number | null
  round: number | null
  /** Of tpe. */
  seenTrials: number | null
  finishedOrder: number | null
}

export interface RecordedRung extends RungRecord {
  /** From 1, in the order in which trials were heard. */
  position: number
  decision: Record<string, unknown>
}

export interface SweepRecord {
  trials: readonly RecordedTrial[]
  rungs: readonly RecordedRung[]
  rounds: readonly { round: number; ranges: readonly RoundRange[] }[]
}

export interface ReplayedTrial {
  trialIndex: number
  recorded: TrialParams | null
  replayed: TrialParams | null
  decisions: (RecordedRung & { replayed: StopDecision | null })[]
  /** Whether all of it came out as it was. */
  identical: boolean
}

/** The trials of these indexes that were chosen, by index. */
export function replayTrials(
  sweep: ResolvedSweep,
  { trials, rungs, rounds }: SweepRecord,
  { first, count }: { first: number; count: number },
): ReplayedTrial[] {
  const suggest = makeSuggest(sweep)
  const finished = trials
    .filter(({ finishedOrder, objective }) => finishedOrder !== null && objective !== null)
    .toSorted((a, b) => (a.finishedOrder as number) - (b.finishedOrder as number))
  const heard = rungs.toSorted((a, b) => a.position - b.position)

  const chooseAgain = ({ trialIndex, round, seenTrials }: RecordedTrial): TrialParams | null => {
    const seen = finished
      .filter(({ finishedOrder }) => (finishedOrder as number) <= (seenTrials ?? 0))
      .map(({ trialIndex: index, params, objective }) => ({
        trialIndex: index,
        params: params ?? {},
        loss: toLoss(sweep.objective, objective as number),
      }))
    const ranges = rounds.find((one) => one.round === round)?.ranges ?? []
    return suggest(trialIndex, { seen, ranges })
  }
  const decideAgain = (rung: RecordedRung): StopDecision | null => {
    const rule = sweep.earlyTermination
    const before = heard.filter(({ position }) => position < rung.position)
    return rule === null ? null : decideStop(rule, before, rung, sweep.objective)
  }
  return trials
    .filter(({ trialIndex }) => trialIndex >= first && trialIndex < first + count)
    .toSorted((a, b) => a.trialIndex - b.trialIndex)
    .map((trial): ReplayedTrial => {
      const replayed = chooseAgain(trial)
      const decisions = heard
        .filter(({ trialIndex }) => trialIndex === trial.trialIndex)
        .map((rung) => ({ ...rung, replayed: decideAgain(rung) }))
      const identical =
        isSame(trial.params, replayed) &&
        decisions.every(({ decision, replayed: again }) => again !== null && holds(decision, again))
      return {
        trialIndex: trial.trialIndex,
        recorded: trial.params,
        replayed,
        decisions,
        identical,
      }
    })
}

/** The record has more than the decision: what the trial said, as the user knows it. */
function holds(recorded: Record<string, unknown>, again: StopDecision): boolean {
  return Object.entries(again).every(([key, value]) => isSame(recorded[key], value))
}

/** As JSON, which is what was recorded; the order of keys is Postgres' own there. */
function isSame(a: unknown, b: unknown): boolean {
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)])
    return [...keys].every((key) => isSame(a[key], b[key]))
  }
  return JSON.stringify(a) === JSON.stringify(b)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
