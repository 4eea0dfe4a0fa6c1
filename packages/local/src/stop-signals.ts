/**
 * One Ctrl-C arrives several times: from the terminal, from npm and from the entry script that started this process. What
 * follows within a second is the same wish; what comes later is a second one.
 */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const SAME_WISH_MS = 1000

export interface StopWishes {
  /** Aborted by the first wish to stop. */
  first: AbortSignal
  /** Aborted by the second. */
  second: AbortSignal
}

/** Listens from now on. A parent that is killed closes its channel to us, which is a first wish too. */
export function listenForStop(now: () => number = () => performance.now()): StopWishes {
  const first = new AbortController()
  const second = new AbortController()
  let firstAt = 0
  const onWish = () => {
    if (!first.signal.aborted) {
      firstAt = now()
      first.abort()
    } else if (now() - firstAt > SAME_WISH_MS) {
      second.abort()
    }
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onWish)
  process.once('disconnect', onWish)
  // A terminal that was closed fails every later write; that must not break off the drain.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return { first: first.signal, second: second.signal }
}
