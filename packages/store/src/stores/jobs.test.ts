import { DomainError, type Finish } from '@trainyard/domain'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  insertDataset,
  insertJob,
  insertProject,
  makeNewJob,
  NO_PROFILE,
} from '../../../../test/support/factories.ts'
import { useTestStores } from '../../../../test/support/use-stores.ts'

const stores = useTestStores()
let projectId: Awaited<ReturnType<typeof insertProject>>
let datasetId: Awaited<ReturnType<typeof insertDataset>>['id']

beforeAll(async () => {
  projectId = await insertProject(stores)
  datasetId = (await insertDataset(stores, projectId)).id
})

const SUCCEEDED: Finish = {
  ...{ status: 'succeeded', stopReason: 'epochs_completed', error: null, manifest: null },
  ...{ final: null, best: null, metrics: [], layers: [], weights: [] },
}

describe('insert', () => {
  it('makes one job of twenty requests with one idempotency key', async () => {
    const request = { method: 'POST', path: '/v1/jobs', key: 'once', requestSha256: 'a' }

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        stores.jobs.insert(makeNewJob(projectId, datasetId), request),
      ),
    )

    const done = outcomes.flatMap((outcome) => (outcome.kind === 'done' ? [outcome.result] : []))
    const replayed = outcomes.flatMap((o) => (o.kind === 'replayed' ? [o.stored] : []))
    expect([done.length, replayed.length]).toEqual([1, 19])
    expect(new Set(replayed.map((stored) => JSON.stringify(stored)))).toHaveLength(1)
    expect(replayed[0]).toEqual({ requestSha256: 'a', status: 201, body: done[0] })
  })

  it('forgets the key when the job could not be written', async () => {
    const request = { method: 'POST', path: '/v1/jobs', key: 'failed', requestSha256: 'a' }
    const foreign = await insertProject(stores)

    await expect(stores.jobs.insert(makeNewJob(foreign, datasetId), request)).rejects.toThrow()

    expect(await stores.idempotency.find(foreign, request)).toBeNull()
  })

  it('refuses the data set of another project', async () => {
    const foreign = await insertProject(stores)

    await expect(stores.jobs.insert(makeNewJob(foreign, datasetId), null)).rejects.toThrow()
  })
})

describe('find', () => {
  it('does not find a job under another project', async () => {
    const job = await insertJob(stores, projectId, datasetId)
    const foreign = await insertProject(stores)

    expect(await stores.jobs.find(foreign, job.id)).toBeNull()
    expect((await stores.jobs.find(projectId, job.id))?.id).toBe(job.id)
  })

  it('counts the queued jobs that go first', async () => {
    const project = await insertProject(stores)
    const dataset = (await insertDataset(stores, project)).id
    const first = await insertJob(stores, project, dataset)
    const second = await insertJob(stores, project, dataset)
    const urgent = await insertJob(stores, project, dataset, { priority: 1 })

    const jobs = await Promise.all(
      [first, second, urgent].map((job) => stores.jobs.find(project, job.id)),
    )

    expect(jobs.map((job) => job?.queue?.position)).toEqual([2, 3, 1])
  })
})

describe('list', () => {
  it('pages through all jobs once, newest first, forwards and back', async () => {
    const project = await insertProject(stores)
    const dataset = (await insertDataset(stores, project)).id
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.unshift((await insertJob(stores, project, dataset)).id)

    const first = await stores.jobs.list(project, { limit: 3 })
    const second = await stores.jobs.list(project, { limit: 3, after: first.last_id ?? '' })
    const third = await stores.jobs.list(project, { limit: 3, after: second.last_id ?? '' })
    const back = await stores.jobs.list(project, { limit: 3, before: third.first_id ?? '' })

    const pages = [first, second, third]
    expect(pages.flatMap((page) => page.data.map((job) => job.id))).toEqual(ids)
    expect(pages.map((page) => page.has_more)).toEqual([true, true, false])
    expect(back.data.map((job) => job.id)).toEqual(second.data.map((job) => job.id))
  })

  it('refuses a cursor that is another project’s job', async () => {
    const foreign = await insertProject(stores)
    const job = await insertJob(stores, projectId, datasetId)

    const listed = stores.jobs.list(foreign, { limit: 3, after: job.id })

    await expect(listed).rejects.toMatchObject({ code: 'invalid_cursor' })
  })
})

describe('cancel', () => {
  it('cancels a queued job at once, and says the same when asked again', async () => {
    const job = await insertJob(stores, projectId, datasetId)

    const first = await stores.jobs.cancel(projectId, job.id)
    const second = await stores.jobs.cancel(projectId, job.id)

    expect([first?.status, second?.status]).toEqual(['cancelled', 'cancelled'])
    const types = (await stores.jobs.events(job.id, 0, 10)).map((event) => event.type)
    expect(types).toEqual(['job.created', 'job.cancelled'])
  })

  it('gives a claim and a cancel at the same moment one outcome', async () => {
    for (let round = 0; round < 20; round++) {
      const job = await insertJob(stores, projectId, datasetId)

      const [claimed, cancelled] = await Promise.all([
        stores.leases.claim(job.id, 'worker'),
        stores.jobs.cancel(projectId, job.id),
      ])

      expect(cancelled?.status).toBe(claimed === null ? 'cancelled' : 'cancelling')
    }
  })
})

describe.each(['graceful', 'force'] as const)('a %s cancel and the end of the training', (mode) => {
  it('at the same moment have one outcome, which the reply agrees with', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 100; round++) {
      const { id: jobId } = await insertJob(stores, projectId, datasetId)
      const claimed = await stores.leases.claim(jobId, 'worker')
      const lease = { jobId, leaseEpoch: claimed?.leaseEpoch ?? 0 }
      const finish = () => stores.leases.finish(lease, SUCCEEDED)
      const cancel = () => stores.jobs.cancel(projectId, jobId, mode).catch((error) => error)
      // Who is asked first wins more often: both get their turn.
      const both = round % 2 === 0 ? [finish(), cancel()] : [cancel(), finish()].reverse()

      const [finished, reply] = await Promise.all(both)

      const ended = await stores.jobs.find(projectId, jobId)
      const events = await stores.jobs.events(jobId, 0, 100)
      const terminal = events.filter(({ type }) => /succeeded|cancelled/.test(type))
      const told = reply instanceof DomainError ? reply.details.status : reply.status
      outcomes.add(`${told} ${finished} ${ended?.status}`)
      expect(terminal.map(({ type }) => type)).toEqual([`job.${ended?.status}`])
    }
    const expected =
      mode === 'force'
        ? ['succeeded done succeeded', 'cancelled fenced cancelled']
        : ['succeeded done succeeded', 'cancelling done cancelled']
    expect(expected).toEqual(expect.arrayContaining([...outcomes]))
  })
})

describe('delete', () => {
  it('refuses while the job is queued, hides it when it has ended, removes its rows when purged', async () => {
    const job = await insertJob(stores, projectId, datasetId)
    const early = stores.jobs.delete(projectId, job.id, { purge: false })
    await expect(early).rejects.toMatchObject({ code: 'illegal_transition' })
    await stores.jobs.cancel(projectId, job.id)

    await stores.jobs.delete(projectId, job.id, { purge: false })
    const hidden = await stores.jobs.find(projectId, job.id)
    await stores.jobs.delete(projectId, job.id, { purge: true })

    expect(hidden).toBeNull()
    expect(await stores.jobs.events(job.id, 0, 10)).toEqual([])
  })
})

describe('datasets.delete', () => {
  it('refuses while a job waits that validates on the data set, which then never changes', async () => {
    const held = await insertDataset(stores, projectId)
    const job = await insertJob(stores, projectId, datasetId, { validationDatasetId: held.id })
    const claimed = await stores.leases.claim(job.id, 'worker')

    const after = { ...held, name: 'late', profile: NO_PROFILE }
    expect(claimed?.validationDataset).toEqual({ sha256: held.sha256, columns: held.columns })
    await expect(stores.datasets.delete(projectId, held.id)).rejects.toThrow(
      expect.objectContaining({ code: 'dataset_in_use' }),
    )
    await expect(stores.datasets.change({ before: held, after })).rejects.toThrow(
      expect.objectContaining({ code: 'dataset_immutable' }),
    )
  })

  it('refuses while a job waits that tests on the data set, which then never changes', async () => {
    const held = await insertDataset(stores, projectId)
    const job = await insertJob(stores, projectId, datasetId, { testDatasetId: held.id })
    const claimed = await stores.leases.claim(job.id, 'worker')

    const after = { ...held, name: 'late', profile: NO_PROFILE }
    expect(claimed?.testDataset).toEqual({ sha256: held.sha256, columns: held.columns })
    await expect(stores.datasets.delete(projectId, held.id)).rejects.toThrow(
      expect.objectContaining({ code: 'dataset_in_use' }),
    )
    await expect(stores.datasets.change({ before: held, after })).rejects.toThrow(
      expect.objectContaining({ code: 'dataset_immutable' }),
    )
  })

  it('refuses while a job waits for the data set', async () => {
    const dataset = await insertDataset(stores, projectId)
    const job = await insertJob(stores, projectId, dataset.id)

    const early = stores.datasets.delete(projectId, dataset.id)
    await expect(early).rejects.toBeInstanceOf(DomainError)
    await stores.jobs.cancel(projectId, job.id)

    expect(await stores.datasets.delete(projectId, dataset.id)).toBe(true)
    expect(await stores.datasets.find(projectId, dataset.id)).toBeNull()
  })
})
