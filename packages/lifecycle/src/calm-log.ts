/**
 * Keeps a log readable, and its disk free, while a server is away: a loop that tries again four times a second would tell of each
 * failure, with its stack, for as long as that lasts. Of errors that come again within a minute, of the same job and for the
 * same reason, the first two are told, and after it how many there were.
 */
import type { LoggerOptions } from 'pino'

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

const WINDOW_MS = 60_000
const LINES_PER_WINDOW = 2
/** pino's number of `warn`; what is below tells of work that is done. */
const WARN = 40

interface Fields {
  err?: { code?: string }
}

/** For `hooks` of a logger. */
export function createCalmLog(): { logMethod: LogMethod } {
  let startedMs = Number.NEGATIVE_INFINITY
  let said = new Map<string, { message: string; times: number }>()

  return {
    logMethod(args, method, level) {
      const [fields, message] = args as unknown[] as [Fields | undefined, string]
      if (level < WARN || fields?.err === undefined) return method.apply(this, args)
      const nowMs = performance.now()
      if (nowMs - startedMs > WINDOW_MS) {
        const before = said
        said = new Map()
        startedMs = nowMs
        for (const { message: repeated, times } of before.values()) {
          if (times > LINES_PER_WINDOW) this.info({ repeated, times }, 'was said so often')
        }
      }
      const { err, ...of } = fields
      const key = JSON.stringify([message, err.code, of])
      const times = (said.get(key)?.times ?? 0) + 1
      said.set(key, { message, times })
      if (times <= LINES_PER_WINDOW) method.apply(this, args)
    },
  }
}
