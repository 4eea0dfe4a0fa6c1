/** Jobs that misbehave within their thread, and floods of what they tell. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../../../packages/local/src/free-port.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import type { KindName } from '../rig/job-kinds.ts'
import { cancelJob, readJob, startJob } from '../rig/load.ts'
import { makeMemoryGroup } from '../rig/memory-group.ts'
import type { Rig } from '../rig/rig.ts'
import { onlyWorker } from './workers.ts'

const FAULTY = {
  NODE_OPTIONS: `--import ${new URL('../rig/faulty-threads.ts', import.meta.url).href}`,
}
const DEATHS_MAX = 5
const GOOD_JOBS = 50
const GOOD_BESIDE_GREEDY = 10
/** Of one that does nothing, with room for two jobs. */
const WORKER_MB = 768
const CANCEL_SPIN_SECONDS_MAX = 1.5
const MEMORY_MB = 256
/** Not in the journal. */
const BY_HAND = '-1'
const FLOOD_SECONDS = 60
const LAG_SECONDS_MAX = 1
const EVENT_LOOP_MS_MAX = 50

export const f32: Fault = {
  id: 'F32',
  title: 'threads that throw, fill their heap, and exit, each beside a good job',
  kinds: ['adam_dropout'],
  async run(rig, findings) {
    await rig.replace('worker', FAULTY)
    for (const [kind, code] of [
      ['throwing', 'internal'],
      ['filling_heap', 'out_of_memory'],
    ] as const) {
      const neighbour = await startJob(rig, 'adam_dropout')
      const { jobId } = await rig.submitUntilAccepted(kind)
      await rig.untilStatus(jobId, ['failed'])
      const failed = await readJob(rig, jobId)
      findings.equal(`${kind} ends as`, [failed.error?.code, failed.attempt], [code, 1])
      await holdUnharmed(rig, findings, neighbour)
    }
    const neighbour = await startJob(rig, 'adam_dropout')
    const { jobId } = await rig.submitUntilAccepted('exiting')
    await waitFor('it is tried again', async () => (await readJob(rig, jobId)).attempt > 1, 60_000)
    findings.equal(
      'deaths counted of the exiting',
      (await readJob(rig, jobId)).crash_count > 0,
      true,
    )
    await cancelJob(rig, jobId)
    await holdUnharmed(rig, findings, neighbour)
    await rig.replace('worker')
  },
}

async function holdUnharmed(rig: Rig, findings: Findings, jobId: string): Promise<void> {
  await rig.untilStatus(jobId, ['succeeded'])
  findings.equal('attempts of its neighbour', (await readJob(rig, jobId)).attempt, 1)
}

export const f33: Fault = {
  id: 'F33',
  title: `networks just above and just below what ${MEMORY_MB} MiB are estimated to hold`,
  kinds: [],
  async run(rig, findings) {
    await rig.replace('api', { TRAINYARD_JOB_MEMORY_MB: String(MEMORY_MB) })
    const quote = async (units: number) => {
      const reply = await rig.send('POST', '/v1/jobs?dry_run=true', wide(rig, units))
      return reply.status ?? 0
    }
    let [fits, isTooLarge] = [64, 16_384]
    while (isTooLarge - fits > 16) {
      const units = Math.floor((fits + isTooLarge) / 2)
      if ((await quote(units)) === 200) fits = units
      else isTooLarge = units
    }
    findings.equal('just above', await quote(isTooLarge), 422)
    const { pid } = onlyWorker(rig)
    const before = readBytes(pid, 'VmRSS')
    // The peak is counted from here on.
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const reply = await rig.send('POST', '/v1/jobs', wide(rig, fits))
    findings.equal('just below', reply.status, 201)
    const { id } = reply.body as { id: string }
    await rig.untilStatus(id, ['succeeded', 'failed'])
    findings.equal('it ends as', (await readJob(rig, id)).status, 'succeeded')
    const grownMb = (readBytes(pid, 'VmHWM') - before) / 1024 ** 2
    findings.note('units', fits)
    findings.atMost('memory of the worker grew by, MiB', grownMb, MEMORY_MB)
    await rig.replace('api')
  },
}

function wide(rig: Rig, units: number) {
  return {
    dataset_id: rig.datasets.digits,
    model: { hidden: [{ units }, { units }] },
    training: { epochs: 1, batch_size: 32, early_stopping: null },
    metadata: { submission: BY_HAND },
  }
}

/** Resident memory of a process, at present or at its peak. */
function readBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024
}

export const f34: Fault = {
  id: 'F34',
  title: `a job that the kernel kills its worker for, which may have ${WORKER_MB} MiB, among ${GOOD_BESIDE_GREEDY} good ones (its back-off cut short)`,
  kinds: ['tiny', 'adam_dropout'],
  unable() {
    const group = makeMemoryGroup(WORKER_MB * 1024 ** 2)
    group?.remove()
    return group === null ? 'the kernel lets nobody but root limit the memory of a process' : null
  },
  async run(rig, findings) {
    const group = makeMemoryGroup(WORKER_MB * 1024 ** 2)
    const environment = {
      ...FAULTY,
      ...group?.environment,
      // The worker's own watch would be first.
      TRAINYARD_WORKER_MEMORY_MB: String(100 * WORKER_MB),
    }
    await convict(rig, findings, 'greedy', environment, GOOD_BESIDE_GREEDY)
    group?.remove()
  },
}

export const f35: Fault = {
  id: 'F35',
  title: `a job that kills its worker, among ${GOOD_JOBS} good ones (its back-off cut short)`,
  kinds: ['tiny', 'adam_dropout'],
  run: (rig, findings) => convict(rig, findings, 'killing', FAULTY, GOOD_JOBS),
}

/** A bad job among good ones is found out, and they succeed. */
async function convict(
  rig: Rig,
  findings: Findings,
  bad: KindName,
  environment: Record<string, string>,
  goodJobs: number,
): Promise<void> {
  let worker = await rig.replace('worker', environment)
  const kinds: KindName[] = Array.from({ length: goodJobs }, (_, i) =>
    i % 10 === 0 ? 'adam_dropout' : 'tiny',
  )
  const { jobId } = await rig.submitUntilAccepted(bad)
  const good = await Promise.all(kinds.map((kind) => rig.submitUntilAccepted(kind)))
  let deaths = 0
  while ((await readJob(rig, jobId)).status !== 'failed') {
    const died = await Promise.race([worker.exited.then(() => true), delay(200, false)])
    if (died) {
      deaths++
      worker = await rig.start('worker', environment)
      rig.forgive(worker)
    }
    await rig.query(
      `UPDATE jobs SET run_after = clock_timestamp() WHERE id = $1 AND status = 'queued'`,
      [jobId],
    )
  }
  findings.atMost('deaths of workers', deaths, DEATHS_MAX)
  findings.equal('it ends as', (await readJob(rig, jobId)).error?.code, 'worker_lost')
  await rig.settle()
  const ended = await Promise.all(good.map((each) => readJob(rig, each.jobId)))
  const failed = ended.filter(({ status }) => status !== 'succeeded')
  findings.equal('good ones that did not succeed', failed.length, 0)
  await rig.replace('worker')
}

export const f36: Fault = {
  id: 'F36',
  title: 'a learning rate of a million',
  kinds: [],
  async run(rig, findings) {
    const { jobId } = await rig.submitUntilAccepted('diverging')
    await rig.untilStatus(jobId, ['failed', 'succeeded'])
    const { error, attempt } = await readJob(rig, jobId)
    findings.equal('it ends as, and its attempts', [error?.code, attempt], ['diverged', 1])
    const job = await rig.send('GET', `/v1/jobs/${jobId}`)
    const metrics = await rig.send('GET', `/v1/jobs/${jobId}/metrics`)
    findings.equal('readable', [job.status, metrics.status], [200, 200])
    const text = JSON.stringify([job.body, metrics.body])
    findings.equal('says NaN or Infinity', /NaN|Infinity/.test(text), false)
  },
}

export const f38: Fault = {
  id: 'F38',
  title: 'a job cancelled within a batch of three seconds',
  kinds: ['tiny'],
  async run(rig, findings) {
    await rig.replace('worker', FAULTY)
    for (let i = 0; i < 3; i++) {
      const jobId = await startJob(rig, 'spinning')
      // Its third batch comes at once.
      await delay(500)
      const startedMs = performance.now()
      await rig.send('POST', `/v1/jobs/${jobId}/cancel`, {})
      await rig.untilStatus(jobId, ['cancelled'])
      const seconds = (performance.now() - startedMs) / 1000
      findings.atMost('cancelled in, s', seconds, CANCEL_SPIN_SECONDS_MAX)
    }
    const { jobId } = await rig.submitUntilAccepted('tiny')
    await rig.untilStatus(jobId, ['succeeded'])
    await rig.replace('worker')
  },
}

export const f44: Fault = {
  id: 'F44',
  title: `small trainings with thousands of epochs a second for ${FLOOD_SECONDS} s`,
  kinds: ['flood'],
  needsMachine: true,
  async run(rig, findings) {
    const watch = new URL('../rig/event-loop-watch.ts', import.meta.url).href
    const port = await findFreePort('127.0.0.1', 0)
    await rig.replace('worker', {
      NODE_OPTIONS: `--import ${watch}`,
      TRAINYARD_METRICS_PORT: String(port),
    })
    const fromAt = new Date()
    const untilMs = performance.now() + FLOOD_SECONDS * 1000
    const lane = async () => {
      while (performance.now() < untilMs) {
        const { jobId } = await rig.submitUntilAccepted('flood')
        await rig.untilStatus(jobId, ['succeeded'])
      }
    }
    await Promise.all([lane(), lane(), lane()])
    const [told] = await rig.query<{ epochs: number }>(
      'SELECT sum(epoch)::int AS epochs FROM jobs WHERE created_at > $1',
      [fromAt],
    )
    findings.note('epochs a second', (told?.epochs ?? 0) / FLOOD_SECONDS)
    const lagSeconds = await readLag(port)
    findings.atMost('from the end of an epoch to its commit, p99, s', lagSeconds, LAG_SECONDS_MAX)
    const log = await rig.stack.log('worker')
    const said = [...log.matchAll(/event loop p99 ms: ([\d.]+)/g)].at(-1)
    const delayMs = Number(said?.[1])
    findings.atMost('event loop of the worker late by, p99, ms', delayMs, EVENT_LOOP_MS_MAX)
    await rig.replace('worker')
  },
}

/** The smallest bound of the worker's histogram that 99 % of the epochs keep. */
async function readLag(port: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const buckets = [...page.matchAll(/^trainyard_epoch_lag_seconds_bucket\{le="(.+)"\} (\d+)$/gm)]
  const total = Number(buckets.at(-1)?.[2])
  return Number(buckets.find(([, , count]) => Number(count) >= 0.99 * total)?.[1])
}
