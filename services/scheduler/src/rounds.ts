/** A loop of one round after the other: at a steady pace, or at once when somebody says "look again". */
import type { Logger } from 'pino'

export interface Rounds {
  /** Ends the present wait. Called during a round, it makes the next one follow at once. */
  lookAgain(): void
  /** Resolves when the round under way, if any, has ended. */
  stop(): Promise<void>
}

/** A round that throws is logged and tried again at the next turn: what it works on is in the rows, nothing is lost. */
export function startRounds(options: {
  name: string
  everyMs: number
  round: () => Promise<void>
  log: Logger
}): Rounds {
  let stopped = false
  let again = false
  let wake: (() => void) | null = null

  const run = async () => {
    while (!stopped) {
      again = false
      try {
        await options.round()
      } catch (error) {
        options.log.error({ err: error, round: options.name }, 'a round has failed')
        // An outage must not become a busy loop of failing pulses.
        again = false
      }
      if (!stopped && !again) await wait()
    }
  }

  const wait = async () => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.everyMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    wake = null
  }

  const running = run()
  return {
    lookAgain() {
      again = true
      wake?.()
    },
    stop() {
      stopped = true
      wake?.()
      return running
    },
  }
}
