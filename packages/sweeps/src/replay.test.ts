import { expect, it } from 'vitest'
import { decideStop, type RungRecord } from './early-termination.ts'
import { type RecordedTrial, replayTrials, type SweepRecord } from './replay.ts'
import type { ResolvedSweep } from './resolve-sweep.ts'
import { makeSuggest } from './suggest.ts'
import { LEARNING_RATE, resolved } from './sweep-spec.fixture.ts'

const TRIALS = 40
const ALL = { first: 0, count: TRIALS }

/** A search in which trials end in pairs, the later first, and every third is not heard at its rung. */
function search(sweep: ResolvedSweep): SweepRecord {
  const suggest = makeSuggest(sweep)
  const trials: RecordedTrial[] = []
  const seen: { trialIndex: number; params: object; loss: number }[] = []
  const rungs: SweepRecord['rungs'][number][] = []
  for (let pair = 0; pair < TRIALS; pair += 2) {
    const chosen = [pair, pair + 1].map((trialIndex) => ({
      trialIndex,
      params: suggest(trialIndex, { seen: [...seen] as never }) ?? {},
      seenTrials: pair,
    }))
    for (const [i, trial] of chosen.toReversed().entries()) {
      const objective = Math.abs(Math.log10(trial.params[LEARNING_RATE] as number) + 2)
      const finishedOrder = pair + i + 1
      if (trial.trialIndex % 3 !== 0 && sweep.earlyTermination !== null) {
        const said: RungRecord = { trialIndex: trial.trialIndex, epoch: 3, value: objective }
        const decision = {
          ...decideStop(sweep.earlyTermination, rungs, said, sweep.objective),
          epoch: 3,
        }
        rungs.push({ ...said, position: rungs.length + 1, decision })
      }
      trials.push({ ...trial, objective, round: null, finishedOrder })
      seen.push({ trialIndex: trial.trialIndex, params: trial.params, loss: objective })
    }
  }
  return { trials, rungs, rounds: [] }
}

it('chooses again what tpe chose, from the trials each choice had seen', () => {
  const sweep = resolved({ method: 'tpe', max_trials: TRIALS })

  const replayed = replayTrials(sweep, search(sweep), ALL)

  expect(replayed.map(({ trialIndex }) => trialIndex)).toEqual([...Array(TRIALS).keys()])
  expect(replayed.filter(({ identical }) => !identical)).toEqual([])
})

it.each(['asha', 'hyperband', 'median'] as const)(
  'decides again what %s decided, in the order in which trials were heard',
  (type) => {
    const rule = type === 'median' ? { type } : { type, min_epochs: 3 }
    const sweep = resolved({ max_trials: TRIALS, early_termination: rule })
    const record = search(sweep)
    // As they may come from anywhere.
    const shuffled = {
      ...record,
      rungs: record.rungs.toReversed(),
      trials: record.trials.toReversed(),
    }

    const replayed = replayTrials(sweep, shuffled, ALL)

    expect(replayed.flatMap(({ decisions }) => decisions)).toHaveLength(record.rungs.length)
    expect(replayed.filter(({ identical }) => !identical)).toEqual([])
  },
)

it('tells what does not follow from the record', () => {
  const sweep = resolved({ method: 'tpe', max_trials: TRIALS })
  const record = search(sweep)
  const trials = record.trials.map((trial) =>
    trial.trialIndex === 30
      ? { ...trial, params: { ...trial.params, [LEARNING_RATE]: 0.05 } }
      : trial,
  )

  const [trial] = replayTrials(sweep, { ...record, trials }, { first: 30, count: 1 })

  expect(trial).toMatchObject({ trialIndex: 30, identical: false })
  expect(trial?.replayed?.[LEARNING_RATE]).not.toBe(0.05)
})
