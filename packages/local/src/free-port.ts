import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { StartError } from './start-error.ts'

/** Below the range from which systems take the local ports of outgoing connections: one of those could come between. */
const PORT_MIN = 20_000
const PORT_MAX = 32_767
const TRIES = 50

/** A port that was free a moment ago; `port` itself unless it is 0. Throws a line for people when it is taken. */
export async function findFreePort(host: string, port: number): Promise<number> {
  for (let i = 0; port === 0 && i < TRIES; i++) {
    const candidate = randomInt(PORT_MIN, PORT_MAX + 1)
    if (await isPortFree(host, candidate)) return candidate
  }
  const server = createServer()
  try {
    return await listen(server, host, port)
  } catch (error) {
    throw toPortError(error, host, port)
  } finally {
    server.close()
  }
}

export async function isPortFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    await listen(server, host, port)
    return true
  } catch {
    // For whatever reason it cannot be had, the caller takes another.
    return false
  } finally {
    server.close()
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function toPortError(error: unknown, host: string, port: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new StartError(
        `port ${port} is already in use: stop what listens there, or choose another with PORT=…`,
      )
    case 'EACCES':
      return new StartError(`port ${port} needs root: choose one above 1023 with PORT=…`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(`HOST ${host} is not an address of this machine`)
    default:
      return error
  }
}
