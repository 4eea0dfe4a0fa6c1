/**
 * Every wait of a request has an end. A Postgres that hangs instead of failing would hold its callers for the driver's
 * eight seconds; they are told to come back after less than two, while the query ends by itself.
 */
import { DomainError } from '@trainyard/domain'

const ANSWER_MS = 1800

/** The same store, each of whose answers comes in time or is `unavailable`. */
export function makeQuick<Store extends object>(store: Store, answerMs: number = ANSWER_MS): Store {
  return Object.fromEntries(
    Object.entries(store).map(([name, method]) => [
      name,
      (...args: unknown[]) =>
        inTime((method as (...args: unknown[]) => Promise<unknown>)(...args), answerMs),
    ]),
  ) as Store
}

export async function inTime<Result>(work: Promise<Result>, answerMs: number): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const cause = new Error(`Postgres has not answered within ${answerMs} ms`)
    reject(new DomainError('unavailable', {}, { cause }))
  }, answerMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
