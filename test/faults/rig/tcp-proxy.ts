/** A TCP proxy between a service and a server, which the test turns into a broken network. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type ProxyMode =
  | { kind: 'pass' }
  /** Nobody listens; what was open is broken. */
  | { kind: 'refuse' }
  /** Accepts and breaks at once; what was open is broken. */
  | { kind: 'reset' }
  /** Accepts and reads, and never answers. */
  | { kind: 'black_hole' }
  /** What the client sends arrives, what the server answers does not. */
  | { kind: 'half_open' }
  | { kind: 'delay'; delayMs: number }
  /** Each connection is broken after this many bytes of answers. */
  | { kind: 'cut'; afterBytes: number }

export interface TcpProxy {
  port: number
  /** Connections that have lost bytes are broken when the mode changes: nobody could make sense of the rest. */
  set(mode: ProxyMode): Promise<void>
  close(): Promise<void>
}

/** One direction of a connection. */
interface Line {
  from: Socket
  to: Socket
  /** What is delayed, oldest first: bytes of a connection never overtake each other, whatever the mode is by then. */
  waiting: Buffer[]
  /** When the last of them is due. */
  dueMs: number
}

interface Pair {
  client: Socket
  server: Socket | null
  hasLostBytes: boolean
  answeredBytes: number
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = { kind: 'pass' }
  const pairs = new Set<Pair>()
  const listener = createServer({ allowHalfOpen: false }, accept)
  const listen = async (port: number) => {
    listener.listen({ port, host: '127.0.0.1' })
    await once(listener, 'listening')
  }
  await listen(0)
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const { port } = address

  return {
    port,
    async set(next) {
      mode = next
      for (const pair of pairs) {
        const isBroken = next.kind === 'refuse' || next.kind === 'reset' || pair.hasLostBytes
        if (isBroken) end(pair)
        pair.answeredBytes = 0
      }
      if (next.kind === 'refuse' && listener.listening) {
        const closed = once(listener, 'close')
        listener.close()
        await closed
      }
      if (next.kind !== 'refuse' && !listener.listening) await listen(port)
    },
    async close() {
      for (const pair of pairs) end(pair)
      if (!listener.listening) return
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }

  function accept(client: Socket): void {
    if (mode.kind === 'reset' || mode.kind === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const isAlone = mode.kind === 'black_hole'
    const server = isAlone ? null : connect({ port: targetPort, host: '127.0.0.1' })
    const pair: Pair = { client, server, hasLostBytes: isAlone, answeredBytes: 0 }
    pairs.add(pair)
    client.setNoDelay(true)
    const asked = server === null ? null : makeLine(client, server)
    client.on('data', (bytes: Buffer) => {
      if (mode.kind === 'black_hole' || asked === null) pair.hasLostBytes = true
      else forward(asked, bytes)
    })
    server?.setNoDelay(true)
    const answered = server === null ? null : makeLine(server, client)
    server?.on('data', (bytes: Buffer) => {
      if (mode.kind === 'black_hole' || mode.kind === 'half_open') {
        pair.hasLostBytes = true
        return
      }
      pair.answeredBytes += bytes.length
      if (mode.kind === 'cut' && pair.answeredBytes > mode.afterBytes) end(pair)
      else if (answered !== null) forward(answered, bytes)
    })
    for (const socket of [client, server]) {
      // A broken connection says it by its end, too.
      socket?.on('error', () => undefined)
      socket?.on('close', () => end(pair))
    }
  }

  function forward(line: Line, bytes: Buffer): void {
    const nowMs = performance.now()
    line.dueMs = Math.max(line.dueMs, nowMs + (mode.kind === 'delay' ? mode.delayMs : 0))
    if (line.waiting.length === 0 && line.dueMs <= nowMs) {
      send(line, bytes)
      return
    }
    line.waiting.push(bytes)
    setTimeout(() => {
      const oldest = line.waiting.shift()
      if (oldest !== undefined) send(line, oldest)
    }, line.dueMs - nowMs)
  }

  function send({ from, to }: Line, bytes: Buffer): void {
    if (to.write(bytes)) return
    from.pause()
    to.once('drain', () => from.resume())
  }

  function end(pair: Pair): void {
    if (!pairs.delete(pair)) return
    for (const socket of [pair.client, pair.server]) {
      if (socket?.destroyed === false) socket.resetAndDestroy()
    }
  }
}

function makeLine(from: Socket, to: Socket): Line {
  return { from, to, waiting: [], dueMs: 0 }
}
