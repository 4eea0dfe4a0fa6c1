/**
 * Jobs of a worker run side by side, and a suspect one runs alone: whoever dies beside it would be suspected next. For it the
 * others make way, and new ones wait until it ends or has shown that it can be beside others.
 */
export interface Solitude {
  /** Runs when nobody is alone, or wants to be. */
  beside<Result>(work: () => Promise<Result>): Promise<Result>
  /** Runs when everybody else has ended. `acquit` lets others in while it goes on. */
  alone(work: (acquit: () => void) => Promise<void>): Promise<void>
  /** Whether somebody is alone or waits to be: whoever runs beside makes way. */
  isWanted(): boolean
}

/** `makeWay` asks all that run to end soon. */
export function createSolitude(makeWay: () => void): Solitude {
  const present = new Set<Promise<unknown>>()
  let wanted: Promise<void> | null = null

  const enter = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const ended = work()
    present.add(ended)
    // How it ended is its caller's to hear.
    const leave = () => present.delete(ended)
    ended.then(leave, leave)
    return ended
  }

  return {
    async beside(work) {
      // Nothing is awaited between the last look and the entry: who wants to be alone in between would not see this one.
      while (wanted !== null) await wanted
      return await enter(work)
    },
    async alone(work) {
      while (wanted !== null) await wanted
      const { promise, resolve } = Promise.withResolvers<void>()
      wanted = promise
      const acquit = () => {
        if (wanted === promise) wanted = null
        resolve()
      }
      try {
        makeWay()
        await Promise.allSettled(present)
        await enter(() => work(acquit))
      } finally {
        acquit()
      }
    },
    isWanted: () => wanted !== null,
  }
}
