import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp, toProblem } from '../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(() => test.close())

const list = (authorization: string | string[]) =>
  test.app.inject({ url: '/v1/jobs', headers: { authorization: authorization as string } })

describe('a key', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('is taken after %s', async (scheme) => {
    expect((await list(`${scheme} ${test.first.text}`)).statusCode).toBe(200)
  })

  it('opens nothing when it is mistyped, unknown, of another scheme, or one of two', async () => {
    const unknown = (await test.insertKey('third')).text
    await test.stores.database.apiKey.deleteMany({ where: { project: { name: 'third' } } })
    const otherSecret = test.second.text.slice(17)
    const headers = [
      `Bearer ${test.first.text.slice(0, -1)}`,
      `Bearer ${test.first.text.slice(0, 17)}${otherSecret}`,
      `Bearer ${unknown}`,
      `Basic ${test.first.text}`,
      'Bearer ',
      test.first.text,
    ]

    for (const header of headers) {
      const response = await list(header)
      expect(toProblem(response).code).toBe('unauthenticated')
      expect(response.headers['www-authenticate']).toBe('Bearer realm="trainyard"')
    }
  })

  it('opens nothing after it has expired', async () => {
    const { text } = await test.insertKey('first', new Date(Date.now() - 1000))

    expect((await list(`Bearer ${text}`)).statusCode).toBe(401)
  })

  it('opens nothing five seconds after it was revoked', { timeout: 15_000 }, async () => {
    const { text, id } = await test.insertKey('first')
    expect((await list(`Bearer ${text}`)).statusCode).toBe(200)

    await test.stores.database.apiKey.update({ where: { id }, data: { revokedAt: new Date() } })

    await expect
      .poll(async () => (await list(`Bearer ${text}`)).statusCode, { timeout: 5000, interval: 100 })
      .toBe(401)
  })
})

describe('without authentication', () => {
  it('works in the oldest project', async () => {
    const open = await buildTestApp({ settings: { authentication: 'off' } })

    const response = await open.send('POST', '/v1/datasets', {
      body: { builtin: { generator: 'xor' } },
      key: null,
    })

    expect(response.json().project_id).toBe(open.first.projectId)
    await open.close()
  })
})
