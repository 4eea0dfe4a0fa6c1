/** An upload that comes, but too slowly to ever arrive. */
import { readdir } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../../../../../test/support/wait-for.ts'
import { buildTestApp, type TestApp } from '../../../test-app.fixture.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp({ settings: { requestTimeoutMs: 1000 } })
  await test.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => test.close())

it('is answered 408 when its time is over, cut off, and leaves no file', async () => {
  const { port } = test.app.server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  let isClosed = false
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  const uploads = () => readdir(join(test.scratchDir, 'uploads')).catch(() => [])
  socket.write(
    `POST /v1/datasets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${test.first.text}\r\n` +
      'Content-Type: text/csv\r\nContent-Length: 100000\r\n\r\na,y\n',
  )
  await waitFor('the upload has begun', async () => (await uploads()).length === 1)

  // A byte now and then, and no look at the answer.
  const trickle = setInterval(() => socket.write('1'), 50)
  try {
    await waitFor('the answer', () => answer.includes('request_timeout'))
    await waitFor('the connection is cut', () => isClosed)
    await waitFor('the file is gone', async () => (await uploads()).length === 0)
  } finally {
    clearInterval(trickle)
    socket.destroy()
  }

  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
})
