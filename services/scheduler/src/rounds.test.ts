import { pino } from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Rounds, startRounds } from './rounds.ts'

const EVERY_MS = 250

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

it('runs at once, then at a steady pace', async () => {
  const { rounds, counts } = start()
  const seen: number[] = []
  for (const elapsedMs of [0, EVERY_MS - 1, 1, EVERY_MS]) {
    await vi.advanceTimersByTimeAsync(elapsedMs)
    seen.push(counts.started)
  }

  expect(seen).toEqual([1, 1, 2, 3])
  await rounds.stop()
})

it('runs one round at a time, however long it takes and whoever asks', async () => {
  const { rounds, counts, hold, release } = start()
  await vi.advanceTimersByTimeAsync(0)
  hold()
  await vi.advanceTimersByTimeAsync(EVERY_MS)

  rounds.lookAgain()
  rounds.lookAgain()
  await vi.advanceTimersByTimeAsync(100 * EVERY_MS)
  const whileHeld = { ...counts }
  release()
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS)

  expect(whileHeld).toEqual({ started: 2, running: 1, most: 1 })
  expect(counts.most).toBe(1)
  await rounds.stop()
})

it('makes one more round follow at once when somebody looked again during a round', async () => {
  const { rounds, counts, hold, release } = start()
  hold()
  await vi.advanceTimersByTimeAsync(EVERY_MS)

  rounds.lookAgain()
  rounds.lookAgain()
  release()
  await vi.advanceTimersByTimeAsync(0)
  const atOnce = counts.started
  await vi.advanceTimersByTimeAsync(EVERY_MS - 1)

  expect(atOnce).toBe(3)
  expect(counts.started).toBe(3)
  await rounds.stop()
})

it('ends the wait when somebody says to look again', async () => {
  const { rounds, counts } = start()
  await vi.advanceTimersByTimeAsync(10)

  rounds.lookAgain()
  await vi.advanceTimersByTimeAsync(0)

  expect(counts.started).toBe(2)
  await rounds.stop()
})

it('goes on after a round that throws, at the next turn and not at once', async () => {
  const { rounds, counts, failWith } = start()
  await vi.advanceTimersByTimeAsync(0)
  failWith(new Error('no database'))
  await vi.advanceTimersByTimeAsync(EVERY_MS)
  failWith(null)

  const afterFailing = counts.started
  await vi.advanceTimersByTimeAsync(EVERY_MS - 1)
  const beforeTurn = counts.started
  await vi.advanceTimersByTimeAsync(1)

  expect([afterFailing, beforeTurn, counts.started]).toEqual([2, 2, 3])
  await rounds.stop()
})

it('does not become a busy loop when every round fails and every round is asked for again', async () => {
  const { rounds, counts, failWith } = start({ onRound: (self) => self.lookAgain() })
  failWith(new Error('no database'))

  await vi.advanceTimersByTimeAsync(10 * EVERY_MS)

  expect(counts.started).toBeLessThanOrEqual(12)
  failWith(null)
  await rounds.stop()
})

it('waits at stop for the round under way and starts no other', async () => {
  const { rounds, counts, hold, release } = start()
  await vi.advanceTimersByTimeAsync(0)
  hold()
  await vi.advanceTimersByTimeAsync(EVERY_MS)

  const order: string[] = []
  const stopped = rounds.stop().then(() => order.push('stopped'))
  rounds.lookAgain()
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS)
  order.push('released')
  release()
  await stopped
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS)

  expect(order).toEqual(['released', 'stopped'])
  expect(counts.started).toBe(2)
})

it('stops at once while it waits', async () => {
  const { rounds, counts } = start()
  await vi.advanceTimersByTimeAsync(1)

  await rounds.stop()

  expect(counts.started).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})

function start({ onRound }: { onRound?: (rounds: Rounds) => void } = {}) {
  const counts = { started: 0, running: 0, most: 0 }
  let held: PromiseWithResolvers<void> | null = null
  let failure: Error | null = null
  const rounds: Rounds = startRounds({
    name: 'test',
    everyMs: EVERY_MS,
    log: pino({ level: 'silent' }),
    async round() {
      counts.started += 1
      counts.running += 1
      counts.most = Math.max(counts.most, counts.running)
      await held?.promise
      counts.running -= 1
      if (counts.started > 1) onRound?.(rounds)
      if (failure !== null) throw failure
    },
  })
  return {
    rounds,
    counts,
    hold() {
      held = Promise.withResolvers()
    },
    release() {
      held?.resolve()
      held = null
    },
    failWith(error: Error | null) {
      failure = error
    },
  }
}
