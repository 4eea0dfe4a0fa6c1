/** A few minutes' worth of `npm run fault -- all`: the same deeds in small, with every invariant held after each. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queuesToTest } from '../support/queues.ts'
import { waitFor } from '../support/wait-for.ts'
import { cancelMany, raceEnds } from './catalogue/cancels.ts'
import { killAt } from './catalogue/failpoints.ts'
import { killAgainAndAgain } from './catalogue/kills.ts'
import { postgresOutage } from './catalogue/postgres.ts'
import { redisOutage } from './catalogue/redis.ts'
import { drainUnderJobs } from './catalogue/workers.ts'
import type { Fault } from './fault.ts'
import type { KindName } from './rig/job-kinds.ts'
import { cancelJob, readJob, startJob, submitAtRate } from './rig/load.ts'
import { emptyQueue } from './rig/queue-faults.ts'
import { openRig, type Rig } from './rig/rig.ts'
import { runFault } from './run-fault.ts'

const RECOVERY_MS_MAX = 15_000
/** Two of the four configurations; `npm run fault -- all` has all of them. */
const KINDS: readonly KindName[] = ['adam_dropout', 'noise_early_stopping']

// Most of it is waiting: both queues wait at the same time, each for one fault after the other.
describe.concurrent.each(queuesToTest())('after faults on the %s queue', (queue) => {
  describe('one after the other', { concurrent: false }, () => {
    let rig: Rig

    beforeAll(async () => {
      rig = await openRig({ queue, seed: 1 })
    })

    afterAll(() => rig?.close())

    it('jobs of a killed worker go on, to the bits of an undisturbed run', async () => {
      const result = await hold(KINDS, (findings) => killAgainAndAgain(rig, findings, 2, KINDS))

      expect(result.resumed).toBeGreaterThan(0)
      expect(result.recoveryMsP99).toBeLessThan(RECOVERY_MS_MAX)
    })

    it('jobs of a drained worker go on in another, and no death is counted', async () => {
      await hold(KINDS, (findings) => drainUnderJobs(rig, findings, KINDS))
    })

    it('every job ends once when the queue is emptied under running and waiting ones', async () => {
      await hold(['tiny', 'adam_dropout'], async () => {
        const running = [await startJob(rig, 'adam_dropout'), await startJob(rig, 'adam_dropout')]
        await submitAtRate(rig, 'tiny', { perSecond: 50, seconds: 1 })
        await emptyQueue(rig)
        await rig.settle()
        for (const id of running) expect((await readJob(rig, id)).attempt).toBe(1)
      })
    })

    it('jobs are dispatched by another scheduler when the one that leads is killed', async () => {
      await hold(['tiny'], async () => {
        const [leader] = rig.processes('scheduler')
        await rig.start('scheduler')
        if (leader !== undefined) await rig.end(leader, 'SIGKILL')
        const { jobId } = await rig.submitUntilAccepted('tiny')
        await rig.untilStatus(jobId, ['succeeded'])
      })
    })

    if (queue === 'redis') {
      it('jobs are accepted and computed without Redis, and start within 3 s of its return', async () => {
        await hold(['tiny', 'adam_dropout'], (findings) =>
          redisOutage(rig, findings, 3, {
            begin: (redis) => redis.kill(),
            end: (redis) => redis.start(),
          }),
        )
      })
      return
    }

    it('without Postgres every answer is a 503 in time, jobs compute on, and all goes on by itself', async () => {
      await hold(['tiny', 'adam_dropout'], (findings) =>
        postgresOutage(rig, findings, {
          seconds: 3,
          perSecond: 10,
          begin: () => rig.postgres.server.stop('immediate'),
          end: () => rig.postgres.server.start(),
        }),
      )
    })

    it('nothing is lost or done twice by a kill between commit and reply, claim and start, result and end', async () => {
      await hold(['tiny'], (findings) =>
        killAt(
          rig,
          findings,
          ['api.insert_after_commit', 'worker.claimed', 'worker.finish_before_commit'],
          1,
        ),
      )
    })

    it('running jobs stop within a second of their cancel, and a race with the end has one outcome', async () => {
      await hold(['tiny'], async (findings) => {
        await cancelMany(rig, findings, 6)
        await raceEnds(rig, findings, 30)
      })
    })

    it('a job that is cancelled keeps the weights it had', async () => {
      await hold([], async () => {
        const jobId = await startJob(rig, 'endless')
        await waitFor('an epoch', async () => (await readJob(rig, jobId)).epoch > 0)
        await cancelJob(rig, jobId)
        expect((await rig.send('GET', `/v1/jobs/${jobId}/weights`)).status).toBe(200)
      })
    })

    async function hold(
      kinds: readonly KindName[],
      run: (findings: Parameters<Fault['run']>[1]) => Promise<unknown>,
    ) {
      const fault: Fault = {
        id: '',
        title: '',
        kinds,
        run: async (_rig, findings) => void (await run(findings)),
      }
      const result = await runFault(fault, rig)
      expect(result.violations).toEqual([])
      expect([result.lost, result.duplicated]).toEqual([0, 0])
      expect(result.identical).toBe(result.compared)
      return result
    }
  })
})
