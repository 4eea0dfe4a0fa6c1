/**
 * The life of a service process. Whoever opens something pushes its closer; closing goes in reverse order, every closer
 * runs, and one deadline holds for all. Signals come in bunches (a terminal sends one to the whole group and npm repeats
 * it), so repeats within a second count as one; a later one, and nothing else, ends the process at once.
 */
import type { Logger } from 'pino'
import { EnvError } from './parse-env.ts'

/** sysexits.h: the configuration is wrong, starting again does not help. */
const EXIT_CONFIG = 78
const REPEAT_MS = 1000

export interface Closers {
  push(name: string, close: () => Promise<void> | void): void
}

export interface ServiceOptions {
  log: Logger
  drainSeconds: number
  /** Opens everything. What it pushed is closed also when it throws. */
  open: (closers: Closers) => Promise<void>
}

/** `prepare` reads the environment; what it throws is a fault of the configuration when it is an `EnvError`. */
export async function runService(prepare: () => ServiceOptions): Promise<void> {
  let options: ServiceOptions
  try {
    options = prepare()
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT_CONFIG)
  }
  const { log, drainSeconds, open } = options
  const stack: { name: string; close: () => Promise<void> | void }[] = []
  let closing: string | null = null
  let closingSinceMs: number | null = null
  const opening = Promise.withResolvers<void>()

  const closeAll = async (): Promise<boolean> => {
    let clean = true
    for (let closer = stack.pop(); closer !== undefined; closer = stack.pop()) {
      closing = closer.name
      try {
        await closer.close()
      } catch (error) {
        clean = false
        log.error({ err: error, closer: closer.name }, 'closing has failed')
      }
    }
    return clean
  }

  const stop = async (reason: string, exitCode: number) => {
    if (closingSinceMs !== null) return
    closingSinceMs = performance.now()
    log.info({ reason }, 'stopping')
    const deadline = setTimeout(() => {
      // What is cut off here is found by its lease; waiting longer would only make the deploy slower.
      const open = [closing, ...stack.map((closer) => closer.name).reverse()]
      log.warn({ drainSeconds, open }, 'not closed in time')
      process.exit(exitCode)
    }, drainSeconds * 1000)
    deadline.unref()
    const isClean = await closeAll()
    // What was opened meanwhile is closed too: a worker must not take a job and vanish with it.
    await opening.promise
    const isRestClean = await closeAll()
    log.info('stopped')
    process.exit(isClean && isRestClean ? exitCode : 1)
  }

  const onSignal = (signal: NodeJS.Signals) => {
    const isForced = closingSinceMs !== null && performance.now() - closingSinceMs > REPEAT_MS
    if (isForced) process.exit(1)
    void stop(signal, 0)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // Under a supervisor there is a channel to it; its end means that the supervisor was killed.
  process.on('disconnect', () => void stop('supervisor is gone', 0))
  const die = (error: unknown) => {
    log.fatal({ err: error }, 'unhandled error')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)

  try {
    await open({ push: (name, close) => stack.push({ name, close }) }).finally(opening.resolve)
    log.info('started')
  } catch (error) {
    log.fatal({ err: error }, 'could not start')
    await stop('could not start', error instanceof EnvError ? EXIT_CONFIG : 1)
  }
}
