export type Closer = () => Promise<void> | void

export interface Closers {
  push(closer: Closer): void
  /** Runs every closer, the last pushed first; throws the first error at the end. May be called again. */
  close(): Promise<void>
}

/** Whoever opens something pushes what closes it. */
export function createClosers(): Closers {
  const closers: Closer[] = []
  let closing: Promise<void> | undefined
  return {
    push: (closer) => closers.push(closer),
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    const errors: unknown[] = []
    for (const closer of closers.toReversed()) {
      try {
        await closer()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
