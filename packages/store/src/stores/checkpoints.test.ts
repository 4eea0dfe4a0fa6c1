import { createHash } from 'node:crypto'
import type { JobId, ProjectId } from '@trainyard/contracts'
import type { Finish, Lease } from '@trainyard/domain'
import { expect, it } from 'vitest'
import {
  insertDataset,
  insertJob,
  insertProject,
  makeJobCheckpoint,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()

const ENDED: Omit<Finish, 'status'> = {
  ...{ stopReason: null, error: null, final: null, best: null, manifest: null },
  ...{ metrics: [], layers: [], weights: [] },
}

it('keeps the newest, each under an id of its own, and tells of every one', async () => {
  const { lease } = await startJob()

  for (const step of [10, 20, 30]) await keep(lease, step)

  const kept = await stores.checkpoints.list(lease.jobId)
  expect(kept.map(({ step_number, epoch }) => [step_number, epoch])).toEqual([
    [30, 3],
    [20, 2],
  ])
  const events = await stores.jobs.events(lease.jobId, 0, 100)
  const told = events.filter(({ type }) => type === 'job.checkpoint_created')
  expect(told.map(({ data }) => data.step_number)).toEqual([10, 20, 30])
  expect(told.at(-1)?.data.checkpoint_id).toBe(kept[0]?.id)
  expect(await readBytes(lease.jobId, kept[0]?.sha256)).toEqual(bytesOf(30))
  expect(await readBytes(lease.jobId, hash(bytesOf(10)))).toBeNull()
})

it('keeps them when the job ends, that of the end among them', async () => {
  const { lease } = await startJob()
  await keep(lease, 10)
  await keep(lease, 20)

  await stores.checkpoints.put(lease, { sha256: hash(bytesOf(25)), bytes: bytesOf(25) })
  const checkpoint = checkpointOf(25)
  await stores.leases.finish(lease, { ...ENDED, status: 'failed', checkpoint })

  const kept = await stores.checkpoints.list(lease.jobId)
  expect(kept.map(({ step_number }) => step_number)).toEqual([25, 20])
  expect(await readBytes(lease.jobId, kept[0]?.sha256)).toEqual(bytesOf(25))
})

it.each([
  [
    'deleted',
    (projectId: ProjectId, id: JobId) => stores.jobs.delete(projectId, id, { purge: false }),
  ],
  [
    'purged',
    (projectId: ProjectId, id: JobId) => stores.jobs.delete(projectId, id, { purge: true }),
  ],
] as const)('drops them with their bytes when the job is %s', async (_, remove) => {
  const { projectId, lease } = await startJob()
  await keep(lease, 10)
  await stores.leases.finish(lease, { ...ENDED, status: 'failed' })

  await remove(projectId, lease.jobId)

  expect(await stores.checkpoints.list(lease.jobId)).toEqual([])
  expect(await readBytes(lease.jobId, hash(bytesOf(10)))).toBeNull()
})

it('drops those of jobs that ended long ago, and no others', async () => {
  const [old, recent, running] = [await startJob(), await startJob(), await startJob()]
  for (const { lease } of [old, recent, running]) await keep(lease, 10)
  for (const { lease } of [old, recent]) {
    await stores.leases.finish(lease, { ...ENDED, status: 'failed' })
  }
  await stores.database.$executeRaw`
    UPDATE jobs SET finished_at = clock_timestamp() - interval '31 days' WHERE id = ${old.lease.jobId}`

  const expired = await stores.checkpoints.expire(30)

  const left = [old, recent, running].map(({ lease }) => stores.checkpoints.list(lease.jobId))
  expect(expired).toBe(1)
  expect((await Promise.all(left)).map((list) => list.length)).toEqual([0, 1, 1])
  expect(await readBytes(old.lease.jobId, hash(bytesOf(10)))).toBeNull()
  expect(await stores.checkpoints.expire(30)).toBe(0)
})

async function startJob(): Promise<{ projectId: ProjectId; lease: Lease }> {
  const projectId = await insertProject(stores)
  const dataset = await insertDataset(stores, projectId)
  const { id: jobId } = await insertJob(stores, projectId, dataset.id)
  const claimed = await stores.leases.claim(jobId, 'a worker')
  return { projectId, lease: { jobId, leaseEpoch: claimed?.leaseEpoch ?? 0 } }
}

async function keep(lease: Lease, step: number): Promise<void> {
  await stores.checkpoints.put(lease, { sha256: hash(bytesOf(step)), bytes: bytesOf(step) })
  const progress = { metrics: [], layers: [], epoch: 0, best: null }
  await stores.leases.report(lease, { ...progress, checkpoint: checkpointOf(step) })
}

function checkpointOf(step: number) {
  const counted = { epoch: step / 10, seconds: step, best: null, last: null }
  return makeJobCheckpoint({ step, sha256: hash(bytesOf(step)), progress: counted })
}

function bytesOf(step: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(1000).fill(step)
}

async function readBytes(jobId: JobId, sha256 = ''): Promise<Uint8Array | null> {
  return await stores.checkpoints.read(jobId, sha256)
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
