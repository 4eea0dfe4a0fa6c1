import { createId } from '@trainyard/contracts'
import { pino } from 'pino'
import { afterEach, expect, it, vi } from 'vitest'
import { startKeeper } from './checkpoint-keeper.ts'

afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['in time', 10, 25_000, 1],
  ['not at once, and again and again, when they are wanted once in a century', 3e9, 25_000, 0],
])('asks for checkpoints %s', (_, everySeconds, waitedMs, asked) => {
  vi.useFakeTimers()
  const takeCheckpoint = vi.fn()
  const keeper = startKeeper(
    { jobId: createId('job'), leaseEpoch: 1 },
    { every_seconds: everySeconds, keep: 2 },
    { checkpoints: {} as never, log: pino({ level: 'silent' }) },
    { takeCheckpoint, onPut: () => undefined },
  )

  vi.advanceTimersByTime(waitedMs)
  void keeper.stop()

  expect(takeCheckpoint).toHaveBeenCalledTimes(asked)
})
