import { expect, it } from 'vitest'
import { makeOpenTrial, makeRunningSweep, makeTrialJob } from './running-sweep.fixture.ts'
import { makeTellEpochs } from './tell-epochs.ts'

const sweep = makeRunningSweep()
const running = (trialIndex: number, epoch: number) =>
  makeOpenTrial(trialIndex, [
    makeTrialJob({ jobId: `job_${trialIndex}` as never, status: 'running', epoch }),
  ])

function start() {
  let now = 0
  const tellEpochs = makeTellEpochs(() => now)
  return (ms: number, trials: ReturnType<typeof running>[]) => {
    now += ms
    return tellEpochs.tell(sweep, trials).map(({ data }) => [data.trial_index, data.epoch])
  }
}

it('tells of a trial at most once a second, and only when it has come further', () => {
  const tell = start()

  expect(tell(0, [running(0, 0)])).toEqual([])
  expect(tell(10, [running(0, 1)])).toEqual([[0, 1]])
  expect(tell(500, [running(0, 40)])).toEqual([])
  expect(tell(600, [running(0, 80)])).toEqual([[0, 80]])
  expect(tell(5000, [running(0, 80)])).toEqual([])
})

it('tells of at most twenty a round, and of the others in the next', () => {
  const tell = start()
  const trials = Array.from({ length: 30 }, (_, i) => running(i, 1))

  const [first, second] = [tell(0, trials), tell(10, trials)]

  expect([first.length, second.length]).toEqual([20, 10])
  expect(new Set([...first, ...second].map(([trial]) => trial)).size).toBe(30)
})
