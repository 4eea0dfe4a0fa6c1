/**
 * A service whose parts only say that they are closed. `CLOSERS` names them in the order of opening: `a` closes at once,
 * `a!` throws, `a?` waits for a line on stdin, `a~` never ends.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { z } from 'zod'
import { parseEnv } from './parse-env.ts'
import { runService } from './run-service.ts'

const schema = z.object({
  DRAIN_SECONDS: z.coerce.number().positive().default(20),
  CLOSERS: z.string().default('a,b,c'),
  /** What happens after everything is opened. */
  THEN: z
    .enum([
      'start',
      'throw',
      'throw_while_stopping',
      'open_while_stopping',
      'throw_later',
      'reject_later',
    ])
    .default('start'),
  TOKEN: z.string().min(3).optional(),
})

/** Longer than signals count as one. */
const LATER_MS = 1100

for (const event of ['SIGINT', 'SIGTERM', 'disconnect'] as const) {
  process.on(event, () => {
    say(`heard ${event}`)
    setTimeout(() => say('later'), LATER_MS)
  })
}

await runService(() => {
  // biome-ignore lint/style/noProcessEnv: this file stands in for the main.ts of a service
  const env = parseEnv(schema, process.env)
  return {
    log: pino(),
    drainSeconds: env.DRAIN_SECONDS,
    async open(closers) {
      for (const part of env.CLOSERS.split(',')) {
        closers.push(part, () => close(part))
        say(`opened ${part}`)
      }
      // Like a server: it keeps the process alive until it is told to stop.
      setInterval(() => undefined, 60_000)
      if (env.THEN === 'throw') throw new Error('no such host')
      if (env.THEN === 'throw_later') setTimeout(() => explode('thrown later'), 0)
      if (env.THEN === 'reject_later') setTimeout(() => Promise.reject(new Error('rejected')), 0)
      if (env.THEN === 'open_while_stopping') {
        say('opening')
        await once(process, 'SIGTERM')
        await delay(LATER_MS)
        closers.push('late', () => close('late'))
      }
      if (env.THEN === 'throw_while_stopping') {
        say('opening')
        await once(process, 'SIGTERM')
        await delay(LATER_MS)
        throw new Error('the connection was closed')
      }
    },
  }
})

async function close(part: string): Promise<void> {
  say(`closing ${part}`)
  if (part.endsWith('!')) throw new Error(`${part} does not close`)
  if (part.endsWith('?')) await once(process.stdin, 'data')
  if (part.endsWith('~')) await new Promise(() => undefined)
  say(`closed ${part}`)
}

function explode(message: string): never {
  throw new Error(message)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
