import { modelPredictionSchema } from '@trainyard/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
  // The first version says `yes` where b > a, the second where a > b.
  for (const weight of [
    [-4, 4],
    [4, -4],
  ]) {
    await test.send('POST', '/v1/models', { body: { name: 'larger', weights: weightsOf(weight) } })
  }
})
afterAll(() => test.close())

const predict = (body: unknown, headers: Record<string, string> = {}, query = '') =>
  test.send('POST', `/v1/models/larger/predict${query}`, { body, headers })
const CSV = { 'content-type': 'text/csv' }

describe('200', () => {
  it('predicts by the latest version, by `champion` once there is one, and by what is named', async () => {
    const labelOf = async (choice: object = {}) => {
      const response = await predict({ rows: [[0, 1]], ...choice })
      const { version, predictions } = modelPredictionSchema.parse(response.json())
      return [version, predictions[0]?.label]
    }

    expect(await labelOf()).toEqual([2, 'no'])
    await test.send('PUT', '/v1/models/larger/aliases/champion', { body: { version: 1 } })
    expect(await labelOf()).toEqual([1, 'yes, really'])
    expect(await labelOf({ version: 2 })).toEqual([2, 'no'])
    expect(await labelOf({ alias: 'champion' })).toEqual([1, 'yes, really'])
    expect(await labelOf({ alias: 'latest' })).toEqual([2, 'no'])
  })

  it('takes a CSV with its columns in any order, and answers what records answer', async () => {
    const csv = 'b,id,a\n1,"x, y",0\n2,z,5\n'
    const records = [
      { a: 0, b: 1 },
      { a: 5, b: 2 },
    ]

    const fromCsv = await predict(csv, CSV, '?version=1')
    const fromRecords = await predict({ records, version: 1 })

    expect(fromCsv.json()).toEqual(fromRecords.json())
  })

  it('answers a CSV to who accepts one', async () => {
    const response = await predict('a,b\n0,1\n', { ...CSV, accept: 'text/csv' }, '?version=1')

    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8')
    const [header, line] = response.body.trim().split('\n')
    expect(header).toBe('label,probability_no,"probability_yes, really"')
    expect(line).toMatch(/^"yes, really",0\.0\d+,0\.9\d+$/)
  })

  it('never gives a client that predicts in a loop an error while an alias moves', async () => {
    let isMoving = true
    const versions = new Set<number>()
    const loop = async () => {
      while (isMoving) {
        const response = await predict({ rows: [[0, 1]], alias: 'champion' })
        versions.add(modelPredictionSchema.parse(response.json()).version)
      }
    }
    const loops = [loop(), loop()]
    for (let i = 0; i < 40; i++) {
      const body = { version: 1 + (i % 2) }
      await test.send('PUT', '/v1/models/larger/aliases/champion', { body })
    }
    isMoving = false
    await Promise.all(loops)

    expect([...versions].sort()).toEqual([1, 2])
  })
})

describe('404', () => {
  it.each([{ version: 3 }, { alias: 'none' }, { alias: 'no alias' }])(
    'knows no version by %j',
    async (choice) => {
      expect(toProblem(await predict({ rows: [[0, 1]], ...choice })).code).toBe('model_not_found')
    },
  )
})

describe('422', () => {
  it('takes a version or an alias, not both', async () => {
    const body = { rows: [[0, 1]], version: 1, alias: 'champion' }

    expect(toProblem(await predict(body)).errors?.[0]?.pointer).toBe('#/alias')
  })

  it.each([
    ['a column is missing', 'a\n1\n', { line: 1, detail: 'the column "b" is missing' }],
    ['there is no row', 'a,b\n', { line: 1, detail: 'there is no row behind the header' }],
    ['a cell is no number', 'a,b\n1,2\n1,x\n', { line: 3, detail: '"b" must be a number' }],
    ['a line is too long', 'a,b\n1,2,3\n', { line: 2, detail: expect.stringContaining('Length') }],
  ])('names the line of a CSV where %s', async (_, csv, fault) => {
    const { code, errors } = toProblem(await predict(csv, CSV))

    expect(code).toBe('invalid_data')
    expect(errors?.[0]).toMatchObject(fault)
  })

  it('predicts at most 100,000 rows of a CSV at once', async () => {
    const { errors } = toProblem(await predict(`a,b\n${'1,2\n'.repeat(100_001)}`, CSV))

    expect(errors?.[0]?.detail).toContain('has 100001 rows; at most 100000')
  })
})

function weightsOf(weight: number[]) {
  const columns = ['a', 'b'].map((column) => ({
    ...{ kind: 'numeric', column, type: 'number', missing: 0, log1p: false, center: 0, scale: 1 },
  }))
  return {
    format: 'trainyard/1',
    architecture: {
      ...{ inputs: 2, hidden: [], outputs: 1, task: 'classification' },
      classes: ['no', 'yes, really'],
    },
    preprocessing: { columns, target: null },
    layers: [{ weight: [weight], bias: [0] }],
  }
}
