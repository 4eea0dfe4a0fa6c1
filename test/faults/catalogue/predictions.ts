/** Batch predictions whose worker dies: each begins again, and ends once, in the bytes of an undisturbed one. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BatchPrediction, Dataset } from '@trainyard/contracts'
import type { ServiceName } from '../../support/stack.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Fault } from '../fault.ts'
import { type Findings, quantile } from '../rig/findings.ts'
import { startJob } from '../rig/load.ts'
import type { Rig } from '../rig/rig.ts'

/** Reading, predicting and storing them takes some seconds. */
const ROWS = 300_000
const WIDTHS = [2, 256, 256, 2]
const KILLS = 8
const RECOVERY_SECONDS_MAX = 15
const ENDED_MS = 120_000

interface Batch {
  status: string
  attempt: number
  rows_done: number
  seconds: number
  /** Of the result. */
  sha256: string | null
  results: number
  /** Types of its events, those of its progress left out. */
  told: string[]
  /** Events that its counter counts and that are not there, or the other way round. */
  untold: number
}

export const p01: Fault = {
  id: 'P01',
  title: `${KILLS} × kill -9 of the worker of a batch prediction at random times, once with the scheduler`,
  kinds: ['adam_dropout'],
  async run(rig, findings) {
    const since = new Date()
    const builtin = { generator: 'xor', rows: ROWS, noise: 0.1 }
    const dataset = await create<Dataset>(rig, '/v1/datasets', { builtin })
    await importModel(rig, 0)
    await startJob(rig, 'adam_dropout')
    const { seconds } = await untilEnded(rig, await predict(rig, dataset))
    findings.note('undisturbed beside a training, s', seconds)

    const [unlike, different]: [Batch[], Batch[][]] = [[], []]
    const rowsAtKills: number[] = []
    for (let nth = 1; rowsAtKills.length < KILLS; nth++) {
      // Another result each time, so that its bytes are not there yet when it is stored.
      await importModel(rig, nth)
      await startJob(rig, 'adam_dropout')
      const id = await predict(rig, dataset)
      const hits = await killWithin(rig, findings, id, {
        services: nth === 2 ? ['worker', 'scheduler'] : ['worker'],
        // The second time it waits for its back-off; the fifth time it would be to blame.
        times: nth % 3 === 0 ? 2 : 1,
        seconds,
      })
      rowsAtKills.push(...hits)
      const killed = await untilEnded(rig, id)
      const undisturbed = await untilEnded(rig, await predict(rig, dataset))
      if (!hasEndedOnce(killed, hits.length)) unlike.push(killed)
      if (!hasEndedOnce(undisturbed, 0)) unlike.push(undisturbed)
      if (killed.sha256 !== undisturbed.sha256) different.push([killed, undisturbed])
    }
    await rig.settle()
    findings.note(`rows predicted at each kill, of ${ROWS}`, rowsAtKills.join(', '))
    const p99Seconds = quantile(findings.recoveriesMs, 0.99) / 1000
    findings.atMost('begun again, p99, s', p99Seconds, RECOVERY_SECONDS_MAX)
    findings.equal('that have not succeeded once, with one result', unlike, [])
    findings.equal('results that differ from the undisturbed', different, [])
    findings.equal('stored bytes that nothing refers to', await findUnreferenced(rig, since), [])
  },
}

/** Kills these services up to so many times, each time within the first `seconds` of an attempt. Rows done at those in time. */
async function killWithin(
  rig: Rig,
  findings: Findings,
  id: string,
  { services, times, seconds }: { services: ServiceName[]; times: number; seconds: number },
): Promise<number[]> {
  const hits: number[] = []
  while (hits.length < times) {
    const isBegun = async () => (await readBatch(rig, id)).attempt > hits.length
    await waitFor(`${id} is begun`, isBegun, ENDED_MS)
    await delay(rig.random.between(0, seconds * 1000))
    const doomed = services.flatMap((service) => rig.processes(service))
    for (const process of doomed) await rig.end(process, 'SIGKILL')
    const killedAt = new Date()
    const { status, rows_done } = await readBatch(rig, id)
    for (const service of services) await rig.start(service)
    if (status === 'succeeded') break
    hits.push(rows_done)
    findings.recovered(1000 * (await secondsToBegin(rig, id, killedAt)))
  }
  return hits
}

async function secondsToBegin(rig: Rig, id: string, since: Date): Promise<number> {
  return await waitFor(
    `${id} is begun again`,
    async () => {
      const [row] = await rig.query<{ seconds: number | null }>(
        `SELECT extract(epoch FROM min(created_at) - $2)::float8 AS seconds FROM batch_prediction_events
         WHERE batch_prediction_id = $1 AND type = 'batch_prediction.started' AND created_at > $2`,
        [id, since],
      )
      return row?.seconds
    },
    ENDED_MS,
  )
}

function hasEndedOnce({ status, attempt, results, told, untold }: Batch, deaths: number): boolean {
  const again = Array.from({ length: deaths }, () => ['retrying', 'started'])
  const expected = ['created', 'started', ...again.flat(), 'succeeded']
  const isTold = untold === 0 && `${told}` === `${expected}`
  return status === 'succeeded' && attempt === deaths + 1 && results === 1 && isTold
}

async function untilEnded(rig: Rig, id: string): Promise<Batch> {
  const hasEnded = async () => {
    const batch = await readBatch(rig, id)
    return ['succeeded', 'failed', 'cancelled'].includes(batch.status) && batch
  }
  return await waitFor(`${id} has ended`, hasEnded, ENDED_MS)
}

async function readBatch(rig: Rig, id: string): Promise<Batch> {
  const [row] = await rig.query<Batch>(
    `SELECT status, attempt, rows_done, extract(epoch FROM finished_at - started_at)::float8 AS seconds,
       (SELECT sha256 FROM datasets d WHERE d.id = b.result_dataset_id) AS sha256,
       (SELECT count(*)::int FROM datasets d WHERE d.lineage->>'batch_prediction_id' = b.id) AS results,
       (SELECT array_agg(split_part(type, '.', 2) ORDER BY seq) FROM batch_prediction_events e
        WHERE e.batch_prediction_id = b.id AND type <> 'batch_prediction.progressed') AS told,
       event_seq - (SELECT count(*)::int FROM batch_prediction_events e WHERE e.batch_prediction_id = b.id) AS untold
     FROM batch_predictions b WHERE id = $1`,
    [id],
  )
  if (row === undefined) throw new Error(`there is no ${id}`)
  return row
}

/** Chunks of what was begun to be stored and never finished, or finished and never named. */
async function findUnreferenced(rig: Rig, since: Date): Promise<unknown[]> {
  return await rig.query(
    `SELECT sha256, count(*)::int AS chunks FROM blob_chunks c WHERE created_at > $1
       AND NOT EXISTS (SELECT 1 FROM datasets d WHERE d.sha256 = c.sha256)
       AND NOT EXISTS (SELECT 1 FROM job_weights w WHERE w.sha256 = c.sha256)
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.split_sha256 = c.sha256)
       AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.sha256 = c.sha256)
     GROUP BY sha256`,
    [since],
  )
}

/** By the newest version of the model. */
async function predict(rig: Rig, dataset: Dataset): Promise<string> {
  const body = { model: 'wide', dataset_id: dataset.id }
  return (await create<BatchPrediction>(rig, '/v1/batch_predictions', body)).id
}

/** One more version, whose every prediction is another. */
async function importModel(rig: Rig, nth: number): Promise<void> {
  const layers = WIDTHS.slice(1).map((units, i) => ({
    weight: Array.from({ length: units }, (_, k) =>
      Array.from({ length: WIDTHS[i] ?? 0 }, (_, j) => (((k * 31 + j * 17) % 13) - 6) / 64),
    ),
    bias: new Array<number>(units).fill(nth / 100),
  }))
  const hidden = WIDTHS.slice(1, -1).map((units) => ({ units, activation: 'relu' }))
  const classes = ['0', '1']
  const architecture = { inputs: 2, hidden, outputs: 2, task: 'classification', classes }
  const columns = ['x1', 'x2'].map((column) => ({
    ...{ kind: 'numeric', column, type: 'number', missing: null, center: 0, scale: 1 },
  }))
  const preprocessing = { columns, target: null }
  const weights = { format: 'trainyard/1', architecture, preprocessing, layers }
  await create(rig, '/v1/models', { name: 'wide', weights })
}

async function create<Created>(rig: Rig, path: string, body: unknown): Promise<Created> {
  const reply = await rig.send('POST', path, body)
  if (reply.status !== 201)
    throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
  return reply.body as Created
}
