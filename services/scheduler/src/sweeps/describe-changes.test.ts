import type { SettledTrial } from '@trainyard/domain'
import { expect, it } from 'vitest'
import { describeChanges } from './describe-changes.ts'
import { makeOpenTrial, OBJECTIVE } from './running-sweep.fixture.ts'

const ended = (trialIndex: number, loss: number | null, status = 'complete'): SettledTrial =>
  ({
    trialIndex,
    status,
    objective: loss === null ? null : { mean: loss, std: null, confidence: null, values: [loss] },
    epochs: 3,
    error: loss === null ? { code: 'diverged', message: 'the loss is infinite' } : null,
  }) as SettledTrial

const describeEnds = (settled: SettledTrial[], best: number | null = null) => {
  const open = settled.map(({ trialIndex }) => makeOpenTrial(trialIndex, []))
  const before =
    best === null
      ? []
      : [{ trialIndex: 90, params: {}, objective: best, status: 'complete', finishedOrder: 1 }]
  return describeChanges(OBJECTIVE, { started: [], settled }, open, before as never)
}

it('tells of a new best only where it is better than all before it', () => {
  const events = describeEnds([ended(1, 0.5), ended(2, 0.3), ended(3, 0.4), ended(4, 0.3)], 0.45)

  expect(
    events.filter(({ type }) => type === 'trial.best').map(({ data }) => data.trial_index),
  ).toEqual([2])
})

it('tells starts with their values, then ends with their reasons', () => {
  const pruned = makeOpenTrial(1, [])
  pruned.decision = { stops: true, reason: 'rank 4 of 6 at epoch 3' }

  const events = describeChanges(
    OBJECTIVE,
    { started: [0], settled: [ended(1, 0.4, 'pruned'), ended(2, null, 'failed')] },
    [makeOpenTrial(0, []), pruned, makeOpenTrial(2, [])],
    [],
  )

  expect(events.map(({ type, message }) => [type, message])).toEqual([
    ['trial.started', 'Trial 0 has started'],
    ['trial.pruned', 'Trial 1 was stopped early: rank 4 of 6 at epoch 3'],
    ['trial.best', 'Trial 1 is the best so far: val_loss 0.4'],
    ['trial.failed', 'Trial 2 has failed: the loss is infinite'],
  ])
})
