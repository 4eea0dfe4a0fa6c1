import { datasetProfileSchema, datasetSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeNewJob } from '../../../../../../test/support/factories.ts'
import { waitFor } from '../../../../../../test/support/wait-for.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

const TABLE = {
  columns: ['code', 'when', 'y'],
  rows: [
    [1, '2024-01-01', 'no'],
    [2, '2024-06-01', 'yes'],
    [1, '2024-12-31', 'yes'],
  ],
}

const patch = (id: string, body: unknown, key = test.first.text) =>
  test.send('PATCH', `/v1/datasets/${id}`, { body, key })
const readProfile = async (id: string) =>
  datasetProfileSchema.parse((await test.send('GET', `/v1/datasets/${id}/profile`)).json())

describe('200', () => {
  it('changes name, types, roles and target, and rows and profile follow', async () => {
    const { id, sha256 } = await test.makeDataset(TABLE)

    const response = await patch(id, {
      name: 'mine',
      types: { code: 'category', when: 'date' },
      roles: { code: 'id' },
    })

    const dataset = datasetSchema.parse(response.json())
    expect(response.statusCode).toBe(200)
    expect(dataset).toMatchObject({ id, name: 'mine', target: 'y' })
    expect(dataset.columns.map(({ type, role }) => [type, role])).toEqual([
      ['category', 'id'],
      ['date', 'feature'],
      ['category', 'target'],
    ])
    expect(dataset.sha256).not.toBe(sha256)
    expect(await (await test.send('GET', `/v1/datasets/${id}`)).json()).toEqual(dataset)
    const rows = await test.send('GET', `/v1/datasets/${id}/rows`)
    expect(rows.json().rows[0]).toEqual(['1', '2024-01-01', 'no'])
    expect((await readProfile(id)).columns.map(({ type }) => type)).toEqual([
      'category',
      'date',
      'category',
    ])
  })

  it('takes a job on the dates of a changed data set', async () => {
    const { id } = await test.makeDataset(TABLE)
    await patch(id, { types: { when: 'date' } })

    const response = await test.send('POST', '/v1/jobs?dry_run=true', { body: { dataset_id: id } })

    // A number and seven of a date.
    expect(response.json().resolved_config.model.inputs).toBe(8)
  })

  it('shows in the profile the very warnings of the data set', async () => {
    const { id, warnings } = await test.makeDataset(TABLE)

    const profile = await readProfile(id)

    expect(profile).toMatchObject({ dataset_id: id, rows: 3, rows_examined: 3 })
    expect(profile.warnings).toEqual(warnings)
    expect(warnings.map(({ code }) => code)).toContain('looks_like_date')
    expect(profile.classes).toEqual([
      { name: 'no', count: 1, share: 1 / 3 },
      { name: 'yes', count: 2, share: 2 / 3 },
    ])
  })

  it('profiles a data set from before there were profiles', async () => {
    const { id } = await test.makeDataset(TABLE)
    const expected = await readProfile(id)
    await test.stores.database.$executeRaw`UPDATE datasets SET profile = NULL WHERE id = ${id}`

    expect(await readProfile(id)).toEqual(expected)
  })
})

describe('404', () => {
  it.each([
    ['PATCH', ''],
    ['GET', '/profile'],
  ])('answers %s for a data set of another project as for none', async (method, path) => {
    const { id } = await test.makeDataset(TABLE)
    const body = method === 'PATCH' ? { name: 'stolen' } : undefined

    const response = await test.send(method, `/v1/datasets/${id}${path}`, {
      ...{ body, key: test.second.text },
    })

    expect(toProblem(response).code).toBe('dataset_not_found')
  })
})

describe('409', () => {
  it('refuses any change once a job was submitted, even after its end', async () => {
    const dataset = await test.makeDataset(TABLE)
    const job = await test.send('POST', '/v1/jobs', { body: { dataset_id: dataset.id } })

    const whileQueued = await patch(dataset.id, { name: 'late' })
    await test.send('POST', `/v1/jobs/${job.json().id}/cancel`)
    await test.send('DELETE', `/v1/jobs/${job.json().id}`)
    const whenGone = await patch(dataset.id, { types: { when: 'date' } })

    for (const response of [whileQueued, whenGone]) {
      expect(toProblem(response)).toMatchObject({ status: 409, code: 'dataset_immutable' })
    }
    const { columns } = (await test.send('GET', `/v1/datasets/${dataset.id}`)).json()
    expect(columns).toEqual(dataset.columns)
  })
})

describe('at the same time as a job is submitted', () => {
  const submit = (id: string) =>
    test.send('POST', '/v1/jobs', { body: { dataset_id: id, model: { hidden: [] } } })
  const inputsOf = (job: { resolved_config: { model: { inputs: number } } }) =>
    job.resolved_config.model.inputs

  it('is seen by the job, which waits for it and is resolved against what it made', async () => {
    const { id } = await test.makeDataset(TABLE)
    const before = (await submit((await test.makeDataset(TABLE)).id)).json()
    const { promise: submitted, resolve } = Promise.withResolvers<ReturnType<typeof submit>>()

    await test.stores.database.$transaction(async (transaction) => {
      // What a PATCH does, held open before its commit.
      await transaction.$executeRaw`
        UPDATE datasets SET revision = revision + 1, columns = jsonb_set(columns, '{0,role}', '"ignored"') WHERE id = ${id}`
      resolve(submit(id))
      await waitFor('the job waits for the row', async () => {
        const waiting = await test.stores.database.$queryRaw<unknown[]>`
          SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE NOT l.granted AND a.datname = current_database() AND a.query LIKE '%FOR SHARE%'`
        return waiting.length > 0
      })
    })

    const response = await submitted
    expect(response.statusCode).toBe(201)
    expect(inputsOf(response.json())).toBe(inputsOf(before) - 1)
  })

  it('comes before the job or not at all, whichever is faster', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await test.makeDataset(TABLE)

      const [changed, job] = await Promise.all([
        patch(id, { roles: { code: 'ignored' } }),
        submit(id),
      ])

      const now = (
        await test.send('POST', '/v1/jobs?dry_run=true', { body: { dataset_id: id } })
      ).json()
      expect(job.statusCode).toBe(201)
      expect([200, 409]).toContain(changed.statusCode)
      expect(inputsOf(job.json())).toBe(inputsOf(now))
    }
  })

  it('refuses a job on a data set that was deleted meanwhile', async () => {
    const { id } = await test.makeDataset(TABLE)
    const [revision] = await test.stores.datasets.revisions(test.first.projectId, [id])
    if (revision === undefined) throw new Error('no revision')
    await test.send('DELETE', `/v1/datasets/${id}`)

    const job = makeNewJob(test.first.projectId, revision.id, { datasets: [revision] })

    await expect(test.stores.jobs.insert(job, null)).rejects.toMatchObject({
      code: 'dataset_changed',
    })
  })
})

describe('422', () => {
  it('refuses an empty change, an unknown field and a role nobody can give', async () => {
    const { id } = await test.makeDataset(TABLE)

    const faults = async (body: unknown) =>
      toProblem(await patch(id, body)).errors?.map(({ pointer }) => pointer)

    expect(await faults({})).toEqual(['#'])
    expect(await faults({ name: 'x', rows: 3 })).toEqual(['#/rows'])
    expect(await faults({ roles: { code: 'target' } })).toEqual(['#/roles/code'])
  })

  it('points at the columns that are not there', async () => {
    const { id } = await test.makeDataset(TABLE)

    const problem = toProblem(await patch(id, { types: { nope: 'date' }, target: 'z' }))

    expect(problem.code).toBe('invalid_data')
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['#/types/nope', '#/target'])
  })
})
