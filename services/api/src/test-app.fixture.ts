/** An app on a real database, two projects with a key each, and the steps a worker would take. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Architecture,
  type Dataset,
  type EpochMetrics,
  type Job,
  type JobId,
  type Preprocessing,
  type Problem,
  type ProjectId,
  problemSchema,
  type SweepId,
} from '@trainyard/contracts'
import { openTables } from '@trainyard/datasets'
import { createApiKeyText, type Finish, type Pulse, type StopWish } from '@trainyard/domain'
import { packLayers } from '@trainyard/model'
import { hashSecret } from '@trainyard/store'
import type { LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { createTestDatabase } from '../../../test/support/database.ts'
import {
  insertDataset,
  insertJob,
  makeEpochLayers,
  makeEpochMetrics,
  openTestStores,
} from '../../../test/support/factories.ts'
import { buildApp } from './app.ts'
import type { Deps, Settings } from './deps.ts'
import { createCheckpointThread } from './threads/checkpoint-thread.ts'
import { createEvaluationThread } from './threads/evaluation-thread.ts'
import { createImportThread } from './threads/import-thread.ts'
import { createPredictionThread } from './threads/prediction-thread.ts'
import { createSweepThread } from './threads/sweep-thread.ts'
import { createTraceThread } from './threads/trace-thread.ts'

export interface TestRequest {
  /** JSON, or bytes and text as they are. */
  body?: unknown
  headers?: Record<string, string>
  /** Default: the key of the first project; null sends none. */
  key?: string | null
}

export type TestApp = Awaited<ReturnType<typeof buildTestApp>>

const PEPPER = new Uint8Array(32).fill(7)

export async function buildTestApp(
  overrides: { settings?: Partial<Settings>; deps?: (deps: Deps) => Partial<Deps> } = {},
) {
  const database = await createTestDatabase()
  const stores = openTestStores(database.url)
  const scratchDir = await mkdtemp(join(tmpdir(), 'trainyard-api-test-'))
  const tables = await openTables({ folder: scratchDir })
  const predictions = createPredictionThread()
  const imports = createImportThread()
  const searches = createSweepThread()
  const traces = createTraceThread()
  const evaluations = createEvaluationThread()
  const checkpointReader = createCheckpointThread()
  const pulse = createLocalPulse()
  const deps: Deps = {
    log: pino({ level: 'silent' }),
    ...stores,
    tables,
    predictions,
    imports,
    traces,
    searches,
    evaluations,
    checkpointReader,
    pulse,
    pingDatabase: async () => {
      await stores.database.$queryRaw`SELECT 1`
    },
    settings: {
      keyPepper: PEPPER,
      authentication: 'on',
      scratchDir,
      jobMemoryBytesMax: 2 * 1024 ** 3,
      version: '0.0.0',
      engineVersion: '0.0.0',
      commit: 'test',
      processMetrics: false,
      checkResponses: true,
      streams: { retryMs: 20 },
      requestTimeoutMs: 60_000,
      ...overrides.settings,
    },
  }
  const app = await buildApp({ ...deps, ...overrides.deps?.(deps) })
  const first = await insertKey('first')
  const second = await insertKey('second')

  const send = async (method: string, url: string, request: TestRequest = {}) => {
    const { body, headers = {}, key = first.text } = request
    const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
    return await app.inject({
      method: method as 'GET',
      url,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(isJson ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: (isJson ? JSON.stringify(body) : body) as string }),
    })
  }

  return {
    app,
    stores,
    pulse,
    first,
    second,
    scratchDir,
    send,
    /** A data set that can be planned on, but not read. */
    insertDataset: (projectId: ProjectId = first.projectId) => insertDataset(stores, projectId),
    insertJob: async (overridesOfJob: Parameters<typeof insertJob>[3] = {}) => {
      const dataset = await insertDataset(stores, first.projectId)
      return await insertJob(stores, first.projectId, dataset.id, overridesOfJob)
    },
    makeDataset: async (body: unknown): Promise<Dataset> =>
      (await send('POST', '/v1/datasets', { body })).json(),
    start: (job: Job) => claim(job.id),
    report: async (lease: TestLease, epochs: number[]) => {
      await stores.leases.report(lease, {
        metrics: epochs.map((epoch) => makeEpochMetrics(epoch)),
        layers: epochs.map((epoch) => makeEpochLayers(epoch)),
        epoch: epochs.at(-1) ?? 0,
        best: null,
      })
      pulse.jobChanged(lease.jobId)
    },
    finish: async (lease: TestLease, finish: Partial<Finish> = {}) => {
      await stores.leases.finish(lease, { ...SUCCEEDED, ...finish })
      pulse.jobChanged(lease.jobId)
    },
    /** With a split, one byte for each row, where it is given. */
    finishWithWeights: (lease: TestLease, metrics?: EpochMetrics[], split?: Uint8Array) =>
      finishWithWeights(stores, lease, metrics, split),
    insertKey,
    async close() {
      await app.close()
      await predictions.close()
      await imports.close()
      await traces.close()
      await searches.close()
      await evaluations.close()
      await checkpointReader.close()
      await tables.close()
      await stores.close()
      await database.drop()
      await rm(scratchDir, { recursive: true, force: true })
    },
  }

  async function insertKey(projectName: string, expiresAt: Date | null = null) {
    const { keyId, secret, text } = createApiKeyText(crypto.getRandomValues(new Uint8Array(37)))
    const key = await stores.keys.insert({
      keyId,
      projectName,
      name: 'test',
      secretHash: hashSecret(PEPPER, secret),
      expiresAt,
    })
    return { text, keyId, id: key.id, projectId: key.projectId }
  }

  async function claim(jobId: JobId): Promise<TestLease> {
    const claimed = await stores.leases.claim(jobId, 'a worker')
    if (claimed === null) throw new Error(`${jobId} is not queued`)
    pulse.jobChanged(jobId)
    return { jobId, leaseEpoch: claimed.leaseEpoch }
  }
}

export interface TestLease {
  jobId: JobId
  leaseEpoch: number
}

const SUMMARY = { train_loss: 0.1, train_accuracy: 1, val_loss: null, val_accuracy: null }

export const SUCCEEDED: Finish = {
  status: 'succeeded',
  stopReason: 'epochs_completed',
  error: null,
  final: { epoch: 10, metrics: SUMMARY },
  best: { epoch: 10, metrics: SUMMARY },
  metrics: [],
  layers: [],
  manifest: null,
  weights: [],
}

/** Answers the class of the larger of two inputs: `no` when a > b, `yes` when b > a. */
const ARCHITECTURE: Architecture = {
  inputs: 2,
  hidden: [],
  outputs: 1,
  output_activation: 'sigmoid',
  task: 'classification',
  classes: ['no', 'yes'],
  target: 'y',
}
const PREPROCESSING: Preprocessing = {
  columns: ['a', 'b'].map((column) => ({
    kind: 'numeric',
    log1p: false,
    indicator: false,
    column,
    type: 'number',
    missing: 0,
    center: 0,
    scale: 1,
  })),
  target: null,
}

async function finishWithWeights(
  stores: ReturnType<typeof openTestStores>,
  lease: TestLease,
  metrics: EpochMetrics[] = [],
  split?: Uint8Array,
): Promise<void> {
  const bytes = packLayers([{ weight: new Float32Array([-4, 4]), bias: new Float32Array([0]) }])
  const sha256 = await putBlob(stores, bytes)
  await stores.leases.finish(lease, {
    ...SUCCEEDED,
    metrics,
    ...(split && { split: { sha256: await putBlob(stores, split) } }),
    weights: (['best', 'last'] as const).map((which) => ({
      which,
      epoch: 10,
      sha256,
      bytes: bytes.byteLength,
      architecture: ARCHITECTURE,
      preprocessing: PREPROCESSING,
    })),
  })
}

async function putBlob(
  { blobs }: ReturnType<typeof openTestStores>,
  bytes: Uint8Array,
): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await blobs.put({ sha256, bytes: bytes.byteLength }, [bytes])
  return sha256
}

/** The pulse inside one process: heard at once, never lost. */
export function createLocalPulse(): Deps['pulse'] {
  const queued: (() => void)[] = []
  const changed: ((jobId: JobId) => void)[] = []
  const sweepsChanged: ((sweepId: SweepId) => void)[] = []
  const stopping: ((jobId: JobId, how: StopWish) => void)[] = []
  const pulse: Pulse = {
    jobQueued: () => queued.forEach((listener) => void listener()),
    slotFreed: () => queued.forEach((listener) => void listener()),
    jobChanged: (jobId) => changed.forEach((listener) => void listener(jobId)),
    sweepChanged: (sweepId) => sweepsChanged.forEach((listener) => void listener(sweepId)),
    stopAsked: (jobId, how) => stopping.forEach((listener) => void listener(jobId, how)),
    onJobQueued: (listener) => queued.push(listener),
    onJobChanged: (listener) => changed.push(listener),
    onSweepChanged: (listener) => sweepsChanged.push(listener),
    onStopAsked: (listener) => stopping.push(listener),
  }
  return { ...pulse, isHealthy: () => true }
}

/** The problem document of a response, checked against the contract and against what a program relies on. */
export function toProblem(response: LightMyRequestResponse): Problem {
  const problem = problemSchema.parse(response.json())
  if (!/^application\/problem\+json/.test(String(response.headers['content-type']))) {
    throw new Error(`the media type is ${response.headers['content-type']}`)
  }
  if (
    problem.status !== response.statusCode ||
    problem.request_id !== response.headers['x-request-id']
  ) {
    throw new Error(`the document does not agree with its response: ${response.body}`)
  }
  return problem
}
