import { createHash } from 'node:crypto'
import { jobSplitSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeResolvedConfig } from '../../../../../../test/support/factories.ts'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

type Validation = ReturnType<typeof makeResolvedConfig>['validation']

/** An ended job whose rows were in these parts; its id. */
async function finishWith(
  parts: Uint8Array,
  validation: Validation = null,
  tested: ReturnType<typeof makeResolvedConfig>['test'] = null,
): Promise<string> {
  const sha256 = createHash('sha256').update(parts).digest('hex')
  await test.stores.blobs.put({ sha256, bytes: parts.byteLength }, [parts])
  const job = await test.insertJob({
    resolvedConfig: makeResolvedConfig({ validation, test: tested }),
  })
  await test.finish(await test.start(job), { split: { sha256 } })
  return job.id
}

const get = (id: string, query = '', headers: Record<string, string> = {}) =>
  test.send('GET', `/v1/jobs/${id}/split${query}`, { headers })

const HELD_OUT: Validation = { fraction: 0.5, stratify: false, group_column: null }

describe('200', () => {
  it('lists the rows of each part, without those that were left out', async () => {
    const id = await finishWith(Uint8Array.of(1, 2, 0, 1, 2), HELD_OUT)

    const json = await get(id)
    const csv = await get(id, '?format=csv')

    expect(jobSplitSchema.parse(json.json())).toMatchObject({
      job_id: id,
      training: [0, 3],
      validation: [1, 4],
      folds: null,
    })
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(csv.headers['content-disposition']).toBe(`attachment; filename="${id}-split.csv"`)
    expect(csv.body).toBe('row,part\n0,training\n1,validation\n3,training\n4,validation\n')
  })

  it('lists which rows validated in each fold; the model kept was trained on all', async () => {
    const id = await finishWith(Uint8Array.of(3, 2, 0, 2, 3), {
      folds: 2,
      stratify: false,
      group_column: null,
    })

    expect((await get(id)).json()).toMatchObject({
      training: [0, 1, 3, 4],
      validation: [],
      folds: [
        [1, 3],
        [0, 4],
      ],
    })
    expect((await get(id, '?format=csv')).body).toBe(
      'row,part\n0,fold_2\n1,fold_1\n3,fold_1\n4,fold_2\n',
    )
  })

  it('lists rows of another data set where that validated', async () => {
    const id = await finishWith(Uint8Array.of(1, 0, 1, 2, 2), { dataset_id: 'ds_2', rows: 2 })

    expect((await get(id)).json()).toMatchObject({
      training: [0, 2],
      validation_dataset_id: 'ds_2',
      validation: [0, 1],
    })
    expect((await get(id, '?format=csv')).body).toBe(
      'row,part\n0,training\n2,training\n0,validation\n1,validation\n',
    )
  })

  it('lists the rows that tested, beside folds too', async () => {
    const tested = { fraction: 0.2, stratify: false, group_column: null }
    const id = await finishWith(Uint8Array.of(1, 2, 255, 0, 1), HELD_OUT, tested)
    const folds = { folds: 2, stratify: false, group_column: null }
    const folded = await finishWith(Uint8Array.of(2, 255, 3, 2, 255), folds, tested)

    expect((await get(id)).json()).toMatchObject({
      ...{ training: [0, 4], validation: [1], test: [2], test_dataset_id: null },
    })
    expect((await get(folded)).json()).toMatchObject({
      ...{ training: [0, 2, 3], validation: [], test: [1, 4], folds: [[0, 3], [2]] },
    })
    expect((await get(folded, '?format=csv')).body).toBe(
      'row,part\n0,fold_1\n1,test\n2,fold_2\n3,fold_1\n4,test\n',
    )
  })

  it('lists the rows of a data set that tested, behind one that validated', async () => {
    const id = await finishWith(
      Uint8Array.of(1, 0, 1, 2, 2, 255),
      { dataset_id: 'ds_2', rows: 2 },
      { dataset_id: 'ds_3', rows: 1 },
    )

    expect((await get(id)).json()).toMatchObject({
      ...{ training: [0, 2], validation_dataset_id: 'ds_2', validation: [0, 1] },
      ...{ test_dataset_id: 'ds_3', test: [0] },
    })
    expect((await get(id, '?format=csv')).body).toBe(
      'row,part\n0,training\n2,training\n0,validation\n1,validation\n0,test\n',
    )
  })

  it('streams a million rows, in order', async () => {
    const parts = Uint8Array.from({ length: 1_000_000 }, (_, row) => (row % 5 === 4 ? 2 : 1))
    const id = await finishWith(parts, HELD_OUT)

    const split = jobSplitSchema.parse((await get(id)).json())

    expect([split.training.length, split.validation.length]).toEqual([800_000, 200_000])
    expect(split.validation.every((row, i) => row === 5 * i + 4)).toBe(true)
  })
})

it('answers 304 to who has it, and not for the other format', async () => {
  const id = await finishWith(Uint8Array.of(1, 1))
  const etag = String((await get(id)).headers.etag)

  expect((await get(id, '', { 'if-none-match': etag })).statusCode).toBe(304)
  expect((await get(id, '?format=csv', { 'if-none-match': etag })).statusCode).toBe(200)
})

it('answers 404 while the job waits, and when it failed before it read its data', async () => {
  const queued = await test.insertJob()
  const failed = await test.start(await test.insertJob())
  await test.finish(failed, { status: 'failed', stopReason: null, best: null, final: null })

  expect(toProblem(await get(queued.id))).toMatchObject({
    code: 'split_not_found',
    detail: 'The job is queued; its split is there when it has ended.',
  })
  expect(toProblem(await get(failed.jobId)).detail).toBe('The job has failed without a split.')
})
