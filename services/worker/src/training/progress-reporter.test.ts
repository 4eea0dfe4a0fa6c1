import type { EpochLayers, EpochMetrics, JobId } from '@trainyard/contracts'
import { DomainError, type LeaseStore, type Progress } from '@trainyard/domain'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  makeEpochLayers,
  makeEpochMetrics,
  makeJobCheckpoint,
} from '../../../../test/support/factories.ts'
import { type ProgressReporter, startReporter } from './progress-reporter.ts'

type Answer = Awaited<ReturnType<LeaseStore['report']>>

const LEASE = { jobId: 'job_1' as JobId, leaseEpoch: 3 }
const MINUTE_MS = 60_000

let reporter: ProgressReporter
/** Writes that began, with the time since the start. */
let writes: { atMs: number; progress: Progress | null }[]
let store: { answer: Answer; failure: Error | null; held: PromiseWithResolvers<void> | null }
let batches: number
let told: string[]
/** When the first epoch of what was stored had ended. */
let storedEnds: number[]
let isAtRung: boolean
/** Batches that the row knows of. */
let reported: number[]
let logged: { level: number; msg: string }[]

beforeEach(() => {
  vi.useFakeTimers()
  const startMs = performance.now()
  writes = []
  store = { answer: 'go_on', failure: null, held: null }
  batches = 0
  isAtRung = false
  told = []
  storedEnds = []
  reported = []
  logged = []
  const leases: LeaseStore = {
    claim: unused,
    isSuspect: unused,
    abandon: unused,
    finish: unused,
    release: unused,
    discardCheckpoint: unused,
    async report(lease, progress, batch) {
      expect(lease).toEqual(LEASE)
      expect(batch).toBe(batches)
      writes.push({ atMs: performance.now() - startMs, progress })
      await store.held?.promise
      if (store.failure !== null) throw store.failure
      return store.answer
    },
  }
  const log = pino({ level: 'trace' }, { write: (line) => logged.push(JSON.parse(line)) })
  reporter = startReporter(
    LEASE,
    { leases, renewEveryMs: 2000, outageMsMax: 10 * MINUTE_MS, log },
    {
      batch: () => batches,
      isAtRung: () => isAtRung,
      onBatchReported: (batch) => reported.push(batch),
      onHung: () => told.push('hung'),
      onOutage: () => told.push('outage'),
      onStopAsked: (how) => told.push(how),
      onFenced: () => told.push('fenced'),
      onReported: () => told.push('reported'),
      onEpochsStored: (endedMs) => storedEnds.push(endedMs),
      onCheckpointStored: () => told.push('checkpoint stored'),
    },
  )
})

afterEach(async () => {
  store.held?.resolve()
  await reporter.stop()
  vi.useRealTimers()
})

describe('a checkpoint', () => {
  const checkpoint = makeJobCheckpoint({
    progress: { epoch: 20_001, seconds: 1, best: null, last: null },
  })

  it('is written with the epochs it has completed, and not before', async () => {
    add(epochs(...countTo(20_002)))
    reporter.addCheckpoint(checkpoint)
    await vi.advanceTimersByTimeAsync(1000)

    expect(writes.map(({ progress }) => [progress?.epoch, progress?.checkpoint?.step])).toEqual([
      [20_000, undefined],
      [20_002, 10],
    ])
    expect(told).toEqual(['reported', 'checkpoint stored', 'reported'])
  })

  it('is written again when that failed, and returned when it never was', async () => {
    store.failure = new DomainError('unavailable')
    reporter.addCheckpoint(checkpoint)
    await vi.advanceTimersByTimeAsync(1000)

    expect(writes.length).toBeGreaterThan(1)
    expect(writes.every(({ progress }) => progress?.checkpoint === checkpoint)).toBe(true)
    expect((await reporter.stop()).checkpoint).toBe(checkpoint)
  })
})

describe('epochs', () => {
  it('are written at once when they are the first', () => {
    add(epochs(1))

    expect(writes).toEqual([
      {
        atMs: 0,
        progress: {
          metrics: epochs(1),
          layers: [],
          epoch: 1,
          best: { epoch: 1, metrics: summaryOf(makeEpochMetrics(1)) },
        },
      },
    ])
  })

  it('are written at most four times a second, however fast they come, each once and in order', async () => {
    for (let epoch = 1; epoch <= 5000; epoch++) {
      add(epochs(epoch))
      await vi.advanceTimersByTimeAsync(1)
    }
    const rest = await reporter.stop()

    const fifths = writes.map(({ atMs }, i) => (writes[i + 4]?.atMs ?? Infinity) - atMs)
    expect(Math.min(...fifths)).toBeGreaterThanOrEqual(1000)
    expect(writes.length).toBeGreaterThanOrEqual(10)
    expect([...written(), ...rest.epochs.metrics].map((row) => row.epoch)).toEqual(countTo(5000))
  })

  it('that come together are written together', async () => {
    add(epochs(1, 2, 3))
    await vi.advanceTimersByTimeAsync(250)
    add(epochs(4))
    add(epochs(5, 6))
    await vi.advanceTimersByTimeAsync(250)

    expect(writes.map(({ progress }) => progress?.metrics.map((row) => row.epoch))).toEqual([
      [1, 2, 3],
      [4],
      [5, 6],
    ])
  })

  it('of more than twenty thousand go out in several writes', async () => {
    add(epochs(...countTo(48_000)))
    await vi.advanceTimersByTimeAsync(1000)

    expect(writes.map(({ progress }) => progress?.metrics.length)).toEqual([20_000, 20_000, 8000])
    expect(written().map((row) => row.epoch)).toEqual(countTo(48_000))
  })

  it('carry what was observed of their layers, each once, and leave the rest to the terminal write', async () => {
    const observed = (...numbers: number[]) => numbers.map((epoch) => makeEpochLayers(epoch))
    add(epochs(1), observed(0, 1))
    add(epochs(...countTo(24_000).slice(1)), observed(2, 20_000, 20_002, 24_000))
    await vi.advanceTimersByTimeAsync(500)
    add(epochs(24_001), observed(24_001))
    const rest = await reporter.stop()

    expect(writes.map(({ progress }) => progress?.layers.map(({ epoch }) => epoch))).toEqual([
      [0, 1],
      [2, 20_000],
      [20_002, 24_000],
    ])
    expect(rest.epochs).toEqual({ metrics: epochs(24_001), layers: observed(24_001) })
  })

  it('never start a write while one is under way', async () => {
    store.held = Promise.withResolvers()
    add(epochs(1))
    add(epochs(2))
    await vi.advanceTimersByTimeAsync(10_000)
    const whileHeld = writes.length

    store.held.resolve()
    await vi.advanceTimersByTimeAsync(250)

    expect(whileHeld).toBe(1)
    expect(written().map((row) => row.epoch)).toEqual([1, 2])
  })

  it('are all written when Postgres is back, and are announced only then', async () => {
    store.failure = new DomainError('unavailable')
    add(epochs(1, 2))
    await vi.advanceTimersByTimeAsync(5000)
    add(epochs(3))
    const toldWhileAway = [...told]
    writes.length = 0
    store.failure = null
    await vi.advanceTimersByTimeAsync(250)

    expect(toldWhileAway).toEqual([])
    expect(told).toEqual(['reported'])
    expect(written()).toEqual(epochs(1, 2, 3))
    expect(new Set(logged.map((line) => pino.levels.labels[line.level]))).toEqual(new Set(['warn']))
  })

  it('are told to be stored once all that came together are, with the end of the first of them', async () => {
    store.failure = new DomainError('unavailable')
    add(epochs(1), [], 1000)
    await passTime(250)
    store.failure = null
    add(epochs(...countTo(24_000).slice(1)), [], 2000)
    await passTime(250)
    const afterTheFirst = [...storedEnds, reporter.oldestMs()]
    await passTime(250)
    const afterAll = [...storedEnds, reporter.oldestMs()]

    expect(afterTheFirst).toEqual([1000, 2000])
    expect(storedEnds).toEqual([1000, 2000])
    expect(afterAll).toEqual([1000, 2000, null])
  })

  it('survive a failure that is a bug as well, which is logged as one', async () => {
    store.failure = new Error('syntax error')
    add(epochs(1))
    await vi.advanceTimersByTimeAsync(0)

    expect((await reporter.stop()).epochs.metrics).toEqual(epochs(1))
    expect(logged.map((line) => pino.levels.labels[line.level])).toEqual(['error'])
  })
})

describe('the lease', () => {
  it('is renewed every two seconds while batches go by without an epoch', async () => {
    await passTime(10_000, { moving: true })

    expect(writes.map(({ atMs }) => atMs)).toEqual([2000, 4000, 6000, 8000, 10_000])
    expect(writes.every(({ progress }) => progress === null)).toBe(true)
    expect(told).toEqual([])
  })

  it('is renewed by a write of epochs as well', async () => {
    await vi.advanceTimersByTimeAsync(1500)
    add(epochs(1))
    await vi.advanceTimersByTimeAsync(1999)
    const before = writes.length
    await vi.advanceTimersByTimeAsync(251)

    expect([before, writes.length]).toEqual([1, 2])
    expect(writes.at(-1)?.progress).toBeNull()
  })

  it('is renewed while the batch counter stands still, which is told after ten minutes', async () => {
    batches = 5
    await passTime(10 * MINUTE_MS)
    const toldBefore = [...told]
    const renewals = writes.length
    await passTime(MINUTE_MS)

    expect(renewals).toBeGreaterThan(290)
    expect(writes.length).toBeGreaterThan(renewals + 25)
    expect([toldBefore, told]).toEqual([[], ['hung']])
  })

  it('is renewed for longer than that while the training waits at a rung, and counts from its end', async () => {
    batches = 5
    isAtRung = true
    await passTime(25 * MINUTE_MS)
    isAtRung = false
    await passTime(9 * MINUTE_MS)
    const toldBefore = [...told]
    await passTime(2 * MINUTE_MS)

    expect([toldBefore, told]).toEqual([[], ['hung']])
  })

  it('that cannot be renewed is told once nothing was heard for the longest outage', async () => {
    await passTime(5 * MINUTE_MS)
    batches += 1
    store.failure = new DomainError('unavailable')
    await passTime(9 * MINUTE_MS)
    const toldBefore = [...told]
    batches += 1
    await passTime(2 * MINUTE_MS)

    expect([toldBefore, new Set(told)]).toEqual([[], new Set(['outage'])])
  })

  it('tells how far the row knows the training to be', async () => {
    batches = 5
    await passTime(2000)
    store.failure = new DomainError('unavailable')
    batches = 6
    await passTime(2000)
    store.failure = null
    batches = 7
    await passTime(2000)

    expect(reported).toEqual([5, 7])
  })

  it('is renewed again at the next chance after a renewal failed', async () => {
    store.failure = new DomainError('unavailable')
    await passTime(2000, { moving: true })
    store.failure = null
    await passTime(2000, { moving: true })

    expect(writes.map(({ atMs }) => atMs)).toEqual([2000, 4000])
  })
})

describe('the answer', () => {
  it.each([
    ['fenced', 'fenced'],
    ['cancel', 'cancel'],
  ] as const)('%s is told to the job, from a renewal', async (answer, expected) => {
    store.answer = answer
    await passTime(2000, { moving: true })

    expect(told).toEqual([expected])
  })

  it.each(['fenced', 'cancel'] as const)('%s is told to the job, from a write', async (answer) => {
    store.answer = answer
    add(epochs(1))
    await vi.advanceTimersByTimeAsync(0)

    expect(told[0]).toBe(answer)
  })

  it('fenced is the last write and announces nothing', async () => {
    store.answer = 'fenced'
    add(epochs(1))
    await vi.advanceTimersByTimeAsync(0)
    add(epochs(2))
    await passTime(10_000, { moving: true })

    expect(writes).toHaveLength(1)
    expect(told).toEqual(['fenced'])
  })
})

describe('stop', () => {
  it('waits for the write under way and returns what came after it', async () => {
    store.held = Promise.withResolvers()
    add(epochs(1, 2))
    add(epochs(3, 4))

    const stopping = reporter.stop()
    store.held.resolve()

    expect((await stopping).epochs.metrics).toEqual(epochs(3, 4))
    expect(written()).toEqual(epochs(1, 2))
  })

  it('returns also what a failed write had taken', async () => {
    store.held = Promise.withResolvers()
    store.failure = new DomainError('unavailable')
    add(epochs(1, 2))
    add(epochs(3))

    const stopping = reporter.stop()
    store.held.resolve()

    expect((await stopping).epochs.metrics).toEqual(epochs(1, 2, 3))
  })

  it('is followed by no write', async () => {
    await reporter.stop()
    add(epochs(1))
    await passTime(10_000, { moving: true })

    expect(writes).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('best and last', () => {
  it('are nothing before the first epoch', () => {
    expect([reporter.best(), reporter.last()]).toEqual([null, null])
  })

  it('go by the training loss where there is no validation, the first of equals', () => {
    add([
      makeEpochMetrics(1, { train_loss: 0.5 }),
      makeEpochMetrics(2, { train_loss: 0.2 }),
      makeEpochMetrics(3, { train_loss: 0.2 }),
    ])

    expect([reporter.best()?.epoch, reporter.last()?.epoch]).toEqual([2, 3])
  })

  it('go by the validation loss where there is one', () => {
    add([
      makeEpochMetrics(1, { train_loss: 0.5, val_loss: 0.3 }),
      makeEpochMetrics(2, { train_loss: 0.1, val_loss: 0.4 }),
    ])

    expect(reporter.best()).toEqual({
      epoch: 1,
      metrics: { train_loss: 0.5, train_accuracy: 0.5, val_loss: 0.3, val_accuracy: null },
    })
  })
})

/** Lets the time pass in steps, with or without batches. */
async function passTime(ms: number, { moving = false } = {}): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) {
    if (moving) batches += 1
    await vi.advanceTimersByTimeAsync(250)
  }
}

function add(metrics: EpochMetrics[], layers: EpochLayers[] = [], endedMs = 0): void {
  reporter.add({ metrics, layers }, endedMs)
}

function epochs(...numbers: number[]): EpochMetrics[] {
  return numbers.map((epoch) => makeEpochMetrics(epoch))
}

function written(): EpochMetrics[] {
  return writes.flatMap(({ progress }) => progress?.metrics ?? [])
}

function countTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}

function summaryOf({ train_loss, train_accuracy, val_loss, val_accuracy }: EpochMetrics) {
  return { train_loss, train_accuracy, val_loss, val_accuracy }
}

function unused(): never {
  throw new Error('the reporter only reports')
}
