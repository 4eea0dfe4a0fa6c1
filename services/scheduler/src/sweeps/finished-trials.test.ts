import { expect, it } from 'vitest'
import { leaveOut, makeFinishedTrials, toRows } from './finished-trials.ts'
import { makeOpenTrial, makeRunningSweep } from './running-sweep.fixture.ts'

it('counts a trial that is tried again by how it ends then, and not before', async () => {
  const finished = makeFinishedTrials({ sweeps: { scored: async () => [] } })
  const sweep = makeRunningSweep()
  const open = [makeOpenTrial(3, [])]
  const settle = (mean: number) => {
    const objective = { mean, std: null, confidence: null, values: [mean] }
    return toRows([{ trialIndex: 3, status: 'complete', objective, epochs: 1, error: null }], open)
  }
  finished.add(sweep, await finished.read(sweep), settle(0.5))

  const before = leaveOut(open, await finished.read(sweep))
  finished.add(sweep, before, settle(0.25))

  const { rows } = await finished.read(sweep)
  expect(before.rows).toEqual([])
  expect(rows.map(({ trialIndex, objective }) => [trialIndex, objective])).toEqual([[3, 0.25]])
})
