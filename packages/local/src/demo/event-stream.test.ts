import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { followEvents } from './event-stream.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

describe('followEvents', () => {
  it('yields each event once, in order, over connections that break anywhere', async () => {
    const lastEventIds: (string | undefined)[] = []
    const url = await serve((request, response) => {
      const after = request.headers['last-event-id']
      lastEventIds.push(after as string | undefined)
      const from = Number(after ?? 0)
      if (from === 9) return response.writeHead(204).end()
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('retry: 1\n\n: ping\n\n')
      for (let id = from + 1; id <= from + 3; id++) {
        response.write(`id: ${id}\nevent: job.epoch_completed\ndata: {"epoch":${id}}\n\n`)
      }
      // Cut off inside the next event: it must come again, whole, after the reconnect.
      response.write(`id: ${from + 4}\ndata: {"ep`, () => response.destroy())
      return response
    })

    const seen: string[] = []
    for await (const event of followEvents(url, {}, AbortSignal.timeout(10_000))) {
      seen.push(`${event.id} ${event.type} ${event.data}`)
    }

    expect(seen).toEqual(
      Array.from({ length: 9 }, (_, i) => `${i + 1} job.epoch_completed {"epoch":${i + 1}}`),
    )
    expect(lastEventIds).toEqual([undefined, '3', '6', '9'])
  })

  it('gives up with a line when the server refuses', async () => {
    const url = await serve((_, response) => response.writeHead(403).end())

    const first = followEvents(url, {}, AbortSignal.timeout(10_000)).next()

    await expect(first).rejects.toThrow('the event stream answered 403')
  })
})

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const created = createServer(handle)
  server = created.listen(0, '127.0.0.1', resolve)
  await promise
  return `http://127.0.0.1:${(created.address() as { port: number }).port}/events`
}
