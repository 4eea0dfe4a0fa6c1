/** Workers that die, freeze and are replaced, and checkpoints that are damaged. */
import { setTimeout as delay } from 'node:timers/promises'
import type { TestProcess } from '../../support/stack.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import { FOUR_CONFIGURATIONS, type KindName } from '../rig/job-kinds.ts'
import { countLeft, readJob, readRunning, recordRecoveries, startJob } from '../rig/load.ts'
import { type Rig, SLOTS } from '../rig/rig.ts'

const DRAIN_SECONDS_MAX = 10
const ROLLING_SECONDS = 180
const ROLLING_JOBS = 30

export const f26: Fault = {
  id: 'F26',
  title: 'five kill -9 of the worker within one job',
  kinds: ['batch_norm_momentum_long'],
  async run(rig, findings) {
    const jobId = await startJob(rig, 'batch_norm_momentum_long')
    let kills = 0
    while (kills < 5) {
      // Past a new checkpoint, so that there is something to go on from.
      const step = await newestStep(rig, jobId)
      const isFurther = async () => ((await newestStep(rig, jobId)) ?? 0) > (step ?? 0)
      await waitFor('a further checkpoint', isFurther, 30_000)
      const killedAt = new Date()
      await rig.end(onlyWorker(rig), 'SIGKILL')
      kills++
      await rig.start('worker')
      await recordRecoveries(rig, findings, [jobId], killedAt)
    }
    await rig.untilStatus(jobId, ['succeeded'])
    findings.equal('attempts', (await readJob(rig, jobId)).attempt, kills + 1)
  },
}

export const f27: Fault = {
  id: 'F27',
  title: 'kill -9 within the transaction of the third checkpoint',
  kinds: ['batch_norm_momentum_long'],
  async run(rig, findings) {
    const worker = await rig.replace('worker', {
      TRAINYARD_FAILPOINTS: 'worker.checkpoint_before_commit=kill@3',
    })
    let isKilled = false
    worker.exited.then(() => {
      isKilled = true
    })
    const { jobId } = await rig.submitUntilAccepted('batch_norm_momentum_long')
    await waitFor('the third checkpoint', () => isKilled, 60_000)
    const killedAt = new Date()
    const kept = await rig.query<{ step: number }>(
      'SELECT step FROM checkpoints WHERE job_id = $1 ORDER BY step',
      [jobId],
    )
    await rig.start('worker')
    await recordRecoveries(rig, findings, [jobId], killedAt)
    await rig.untilStatus(jobId, ['succeeded'])
    findings.equal('checkpoints kept', kept.length, 2)
    findings.equal('attempts', (await readJob(rig, jobId)).attempt, 2)
    findings.note('went on at step', kept.at(-1)?.step ?? Number.NaN)
  },
}

export const f28: Fault = {
  id: 'F28',
  title: 'one byte of the newest checkpoint flipped in its row',
  kinds: ['adam_dropout'],
  async run(rig, findings) {
    const jobId = await startJob(rig, 'adam_dropout')
    const count = async () =>
      (await rig.query('SELECT 1 FROM checkpoints WHERE job_id = $1', [jobId])).length
    await waitFor('two checkpoints', async () => (await count()) === 2)
    const killedAt = new Date()
    await rig.end(onlyWorker(rig), 'SIGKILL')
    await rig.query(
      `UPDATE checkpoint_chunks SET data = set_byte(data, 500, get_byte(data, 500) # 1)
       WHERE job_id = $1 AND position = 0 AND sha256 =
         (SELECT sha256 FROM checkpoints WHERE job_id = $1 ORDER BY step DESC LIMIT 1)`,
      [jobId],
    )
    await rig.start('worker')
    await recordRecoveries(rig, findings, [jobId], killedAt)
    await rig.untilStatus(jobId, ['succeeded'])
    const told = await rig.query(
      `SELECT 1 FROM events WHERE job_id = $1 AND type = 'job.retrying' AND data->>'reason' = 'checkpoint_damaged'`,
      [jobId],
    )
    findings.equal('events that tell of the damage', told.length, 1)
  },
}

export const f29: Fault = {
  id: 'F29',
  title: 'a worker frozen for 10 s while another takes over, then thawed',
  kinds: ['batch_norm_momentum'],
  async run(rig, findings) {
    const jobs = [
      await startJob(rig, 'batch_norm_momentum'),
      await startJob(rig, 'batch_norm_momentum'),
    ]
    const first = onlyWorker(rig)
    const frozenAt = new Date()
    process.kill(first.pid, 'SIGSTOP')
    await rig.start('worker')
    await recordRecoveries(rig, findings, jobs, frozenAt)
    await delay(Math.max(0, 10_000 - (Date.now() - frozenAt.getTime())))
    process.kill(first.pid, 'SIGCONT')
    const refused = async () => {
      const log = await rig.stack.log('worker')
      return log.split('nothing is written').length + log.split('"outcome":"fenced"').length - 2
    }
    // On a fast machine the jobs have ended before the thawed worker tries to write.
    await waitFor(
      'both runs of the thawed worker are refused',
      async () => (await refused()) >= jobs.length,
    )
    await rig.settle()
    findings.note('runs of the thawed worker that were refused', await refused())
  },
}

export const f30: Fault = {
  id: 'F30',
  title: 'SIGTERM to a worker with two jobs, another one waits',
  kinds: FOUR_CONFIGURATIONS,
  async run(rig, findings) {
    await drainUnderJobs(rig, findings, ['adam_dropout', 'batch_norm_momentum'])
    await drainUnderJobs(rig, findings, ['two_threads', 'noise_early_stopping'])
  },
}

export async function drainUnderJobs(
  rig: Rig,
  findings: Findings,
  kinds: readonly KindName[],
): Promise<void> {
  const jobs = await Promise.all(kinds.map((kind) => startJob(rig, kind)))
  await delay(rig.random.between(300, 1500))
  const first = onlyWorker(rig)
  await rig.start('worker')
  const running = await readRunning(rig)
  const startedMs = performance.now()
  const endedAt = new Date()
  findings.equal('exit code', await rig.end(first, 'SIGTERM'), 0)
  const seconds = (performance.now() - startedMs) / 1000
  findings.atMost('drained in, s', seconds, DRAIN_SECONDS_MAX)
  await recordRecoveries(rig, findings, running, endedAt)
  await rig.settle()
  const crashes = await Promise.all(jobs.map(async (id) => (await readJob(rig, id)).crash_count))
  findings.equal(
    'deaths counted',
    crashes,
    jobs.map(() => 0),
  )
}

export const f31: Fault = {
  id: 'F31',
  title: `rolling restarts for ${ROLLING_SECONDS / 60} minutes under ${ROLLING_JOBS} jobs and those that follow them`,
  kinds: FOUR_CONFIGURATIONS,
  run: (rig, findings) => rollOver(rig, findings, { seconds: ROLLING_SECONDS, jobs: ROLLING_JOBS }),
}

/** Each service in turn, the new one before the old one where two may be at a time. */
async function rollOver(
  rig: Rig,
  findings: Findings,
  { seconds, jobs }: { seconds: number; jobs: number },
): Promise<void> {
  const ids: string[] = []
  const submitNext = async () => {
    const kind = FOUR_CONFIGURATIONS[ids.length % FOUR_CONFIGURATIONS.length] ?? 'adam_dropout'
    ids.push((await rig.submitUntilAccepted(kind)).jobId)
  }
  for (let i = 0; i < jobs; i++) await submitNext()
  const untilMs = performance.now() + seconds * 1000
  let restarts = 0
  const exitCodes = new Set<number | null>()
  while (performance.now() < untilMs) {
    // On a fast machine they have ended before the time is over.
    for (let left = await countLeft(rig); left < 2 * SLOTS; left++) await submitNext()
    for (const service of ['worker', 'scheduler', 'worker', 'api'] as const) {
      await delay(rig.random.between(3000, 6000))
      const old = rig.processes(service)
      // One port is for one API.
      if (service === 'api') for (const process of old) await rig.end(process, 'SIGTERM')
      await rig.start(service)
      restarts++
      if (service === 'api') continue
      for (const process of old) exitCodes.add(await rig.end(process, 'SIGTERM'))
    }
  }
  await rig.settle()
  const ended = await Promise.all(ids.map((id) => readJob(rig, id)))
  findings.note('jobs', ids.length)
  findings.note('restarts', restarts)
  findings.equal('exit codes', [...exitCodes], [0])
  findings.equal('not succeeded', ended.filter(({ status }) => status !== 'succeeded').length, 0)
  findings.equal('deaths counted', ended.filter((job) => job.crash_count > 0).length, 0)
}

export function onlyWorker(rig: Rig): TestProcess {
  const [worker, ...others] = rig.processes('worker')
  if (worker === undefined || others.length > 0) throw new Error('there is not one worker')
  return worker
}

async function newestStep(rig: Rig, jobId: string): Promise<number | null> {
  const [row] = await rig.query<{ step: number | null }>(
    'SELECT max(step) AS step FROM checkpoints WHERE job_id = $1',
    [jobId],
  )
  return row?.step ?? null
}
