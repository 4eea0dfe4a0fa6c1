import { createHash, randomBytes } from 'node:crypto'
import { createId, type JobId, type ProjectId, type SweepId } from '@trainyard/contracts'
import {
  DomainError,
  type Lease,
  type RunningSweep,
  type SweepUpdate,
  type UnkeptTrials,
} from '@trainyard/domain'
import { beforeEach, expect, it } from 'vitest'
import {
  insertDataset,
  insertProject,
  makeJobCheckpoint,
  makeNewSweep,
  makeResolvedConfig,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()
const TRIALS = 4
const { architecture, preprocessing } = makeJobCheckpoint()

let projectId: ProjectId
let sweep: RunningSweep
/** By trial index. */
let jobs: JobId[] = []

beforeEach(async () => {
  projectId = await insertProject(stores)
  const { id: datasetId } = await insertDataset(stores, projectId)
  const created = makeNewSweep(createId('sweep'), projectId, datasetId)
  const gc = { save_experiment_best: 1, save_trial_best: 0, save_trial_latest: 0 }
  await stores.sweeps.insert({ ...created, config: { ...created.config, gc } }, null)
  await record(created.id, { status: 'running' })
  sweep = (await stores.sweepRuns.active()).find(({ id }) => id === created.id) as RunningSweep
  jobs = Array.from({ length: TRIALS }, () => createId('job'))
  const trials = jobs.map((id, trialIndex) => ({
    trialIndex,
    params: {},
    round: null,
    seenTrials: null,
    refused: null,
    jobs: [
      {
        id,
        repeat: 0,
        config: { dataset_id: datasetId },
        resolvedConfig: makeResolvedConfig(),
        parameterCount: 17,
        expectedMs: null,
      },
    ],
  }))
  await stores.sweepRuns.insertTrials(sweep, trials)
})

it('removes weights and checkpoints of ended trials with what is recorded, shows their hashes, and says that the gc has removed them', async () => {
  const [first, second, running] = [await claim(0), await claim(1), await claim(2)]
  for (const lease of [first, second, running]) await keepCheckpoint(lease)
  const sha256 = await finish(first)
  await finish(second)

  await settle({ best: [0, 2], last: [0, 1, 2] })

  const [gone, best, busy] = await Promise.all(jobs.map((id) => stores.jobs.find(projectId, id)))
  expect(gone?.weights?.best).toEqual({ epoch: 10, sha256, bytes: null })
  expect(best?.weights).toMatchObject({ best: { bytes: 64 }, last: { bytes: null } })
  expect(await stores.jobs.weights(first.jobId, 'best').catch(codeOf)).toBe('removed_by_gc')
  expect(await stores.jobs.weights(second.jobId, 'best')).toMatchObject({ bytes: 64 })
  expect(await stores.jobs.weights(second.jobId, 'last').catch(codeOf)).toBe('removed_by_gc')
  for (const { jobId } of [first, second]) {
    expect(await stores.checkpoints.list(jobId)).toEqual([])
    expect(await stores.checkpoints.find(jobId).catch(codeOf)).toBe('removed_by_gc')
    expect(await stores.database.checkpointChunk.count({ where: { jobId } })).toBe(0)
  }
  // What runs goes on from its checkpoint.
  expect(busy?.weights).toBeNull()
  expect(await stores.checkpoints.find(running.jobId)).not.toBeNull()
  expect(await stores.checkpoints.find(running.jobId, 'ckpt_none')).toBeNull()
})

it('leaves bytes that another job or a model has, and lets the others be swept', async () => {
  const shared = randomBytes(64)
  const sha256s = [
    await finish(await claim(0), shared),
    await finish(await claim(1), shared),
    await finish(await claim(2)),
  ]
  const weights = { sha256: sha256s[2] as string, bytes: 64, architecture, preprocessing }
  const described = { members: null, lineage: null, signature: null, example: null }
  const source = { type: 'import', format: 'json' } as const
  const version = { projectId, model: 'promoted', parameterCount: 17, source }
  await stores.models.insertVersion({ ...version, ...weights, ...described }, null)
  const alone = await finish(await claim(3))
  await settle({ best: [0, 2, 3], last: [0, 2, 3] })
  await stores.database.blob.updateMany({ data: { touchedAt: new Date(Date.now() - 7_200_000) } })

  await stores.blobs.sweep()

  const left = await stores.database.blob.findMany({
    where: { sha256: { in: [...sha256s, alone] } },
  })
  expect(new Set(left.map(({ sha256 }) => sha256))).toEqual(new Set(sha256s))
  expect(await stores.jobs.weights(jobs[1] as JobId, 'best')).toMatchObject({ sha256: sha256s[1] })
})

it('removes nothing of a sweep that has ended meanwhile', async () => {
  await finish(await claim(0))
  await record(sweep.id, { status: 'succeeded' })

  expect(await settle({ best: [0], last: [0] })).toBe(false)

  expect(await stores.jobs.weights(jobs[0] as JobId, 'best')).not.toBeNull()
})

it('leaves to the next round what had ended before a cancel and is not recorded yet', async () => {
  await finish(await claim(0))

  const cancelled = await stores.sweeps.command(projectId, sweep.id, 'cancel')
  const open = await stores.sweepRuns.openTrials(sweep.id)

  expect(cancelled?.sweep.status).toBe('cancelling')
  expect(open.map(({ jobs: [job] }) => job?.status)).toEqual([
    ...['succeeded', 'cancelled', 'cancelled', 'cancelled'],
  ])
  expect(await stores.jobs.weights(jobs[0] as JobId, 'best')).toMatchObject({ bytes: 64 })
})

async function record(sweepId: SweepId, update: Partial<SweepUpdate>): Promise<boolean> {
  return await stores.sweepRuns.apply(sweepId, { started: [], settled: [], events: [], ...update })
}

function settle(unkept: UnkeptTrials): Promise<boolean> {
  return record(sweep.id, { unkept })
}

async function claim(trialIndex: number): Promise<Lease> {
  const jobId = jobs[trialIndex] as JobId
  const claimed = await stores.leases.claim(jobId, 'a worker')
  return { jobId, leaseEpoch: claimed?.leaseEpoch ?? 0 }
}

async function keepCheckpoint(lease: Lease): Promise<void> {
  const bytes = randomBytes(64)
  const checkpoint = makeJobCheckpoint({ sha256: hash(bytes), bytes: bytes.length })
  await stores.checkpoints.put(lease, { sha256: checkpoint.sha256, bytes })
  await stores.leases.report(lease, { metrics: [], layers: [], epoch: 1, best: null, checkpoint })
}

/** Best and last are the same bytes. Returns their hash. */
async function finish(lease: Lease, content = randomBytes(64)): Promise<string> {
  const weights = { epoch: 10, sha256: hash(content), bytes: content.length }
  await stores.blobs.put(weights, [content])
  await stores.leases.finish(lease, {
    ...{ status: 'succeeded', stopReason: 'epochs_completed', error: null, final: null },
    ...{ best: null, manifest: null, metrics: [], layers: [] },
    weights: (['best', 'last'] as const).map((which) => {
      return { which, ...weights, architecture, preprocessing }
    }),
  })
  return weights.sha256
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function codeOf(error: unknown): unknown {
  return error instanceof DomainError ? error.code : error
}
