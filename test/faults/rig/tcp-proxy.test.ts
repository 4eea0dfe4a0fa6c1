import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

let echo: Server
let proxy: TcpProxy
let client: Socket

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await startTcpProxy((echo.address() as { port: number }).port)
})

afterEach(async () => {
  client?.destroy()
  await proxy.close()
  echo.close()
})

it('passes bytes both ways', async () => {
  await open()

  expect(await ask('hello')).toBe('hello')
})

it('refuses connections, breaks those that were open, and passes again on the same port', async () => {
  await open()
  const broken = closeOf(client)
  await proxy.set({ kind: 'refuse' })
  await broken
  await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' })

  await proxy.set({ kind: 'pass' })
  await open()

  expect(await ask('hello')).toBe('hello')
})

it('accepts and never answers as a black hole, and breaks what has lost bytes when it ends', async () => {
  await open()
  await proxy.set({ kind: 'black_hole' })
  let answered = false
  client.on('data', () => {
    answered = true
  })
  client.write('hello')
  const other = connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => undefined)
  await once(other, 'connect')

  const broken = closeOf(client)
  await proxy.set({ kind: 'pass' })
  await broken

  expect(answered).toBe(false)
  other.destroy()
})

it('keeps answers back when it is half open', async () => {
  await open()
  await ask('hello')
  await proxy.set({ kind: 'half_open' })
  const arrived = once(echo, 'connection')
  client.write('lost')
  const other = connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => undefined)
  const [socket] = await arrived
  const received = once(socket as Socket, 'data')
  other.write('question')

  expect(String((await received)[0])).toBe('question')
  other.destroy()
})

it('delays', async () => {
  await open()
  await proxy.set({ kind: 'delay', delayMs: 50 })
  const startedMs = performance.now()

  expect(await ask('hello')).toBe('hello')
  expect(performance.now() - startedMs).toBeGreaterThan(95)
})

it('keeps the order of bytes, however often the delay begins and ends', async () => {
  await open()
  const sent = Array.from({ length: 200 }, (_, i) => `${i},`)
  let received = ''
  const all = new Promise<void>((resolve) => {
    client.on('data', (bytes) => {
      received += String(bytes)
      if (received.length >= sent.join('').length) resolve()
    })
  })

  for (const [i, text] of sent.entries()) {
    if (i % 5 === 0)
      await proxy.set(i % 10 === 0 ? { kind: 'delay', delayMs: 9 } : { kind: 'pass' })
    client.write(text)
    await setImmediate()
  }
  await all

  expect(received).toBe(sent.join(''))
})

it('cuts a connection after so many bytes', async () => {
  await open()
  await proxy.set({ kind: 'cut', afterBytes: 7 })
  expect(await ask('hello')).toBe('hello')

  const broken = closeOf(client)
  client.write('hello')
  await broken
})

async function open(): Promise<void> {
  client = connect({ port: proxy.port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  await once(client, 'connect')
}

/** Breaking is an error, too. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function ask(text: string): Promise<string> {
  const answer = once(client, 'data')
  client.write(text)
  return String((await answer)[0])
}
