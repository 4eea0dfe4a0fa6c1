import type { ProjectId } from '@trainyard/contracts'
import { expect, it } from 'vitest'
import { makeFairShares } from './fair-shares.ts'

const [A, B, C] = ['proj_a', 'proj_b', 'proj_c'] as ProjectId[] as [ProjectId, ProjectId, ProjectId]
/** Of the threads; the promise. */
const SHARES_DIFFER_MAX = 0.1
/** In turns of a quarter of a second. */
const TURNS_MAX = 60

function start() {
  const shares = makeFairShares()
  let atMs = 0
  /** What the choice sees when projects have had so many ms of threads since it was asked last. */
  const behind = (threadMs: Record<string, number>) => {
    const times = new Map(Object.entries(threadMs)) as Map<ProjectId, number>
    return Object.fromEntries(shares.behind({ atMs: ++atMs, threadMs: times }))
  }
  return { shares, behind }
}

it('asks for what has been since it asked last', () => {
  const { shares, behind } = start()

  expect(shares.atMs()).toBeNull()
  behind({ [A]: 0 })
  expect(shares.atMs()).toBe(1)
})

it('puts nobody back who has had what the others had', () => {
  expect(start().behind({ [A]: 5000, [B]: 5000 })).toEqual({ [A]: 0, [B]: 0 })
})

it('puts a project that has had more thread time back, the more the further', () => {
  const { behind } = start()

  expect(behind({ [A]: 0, [B]: 300 })).toEqual({ [A]: 0, [B]: 1 })
  expect(behind({ [A]: 0, [B]: 300 })).toEqual({ [A]: 0, [B]: 2 })
  expect(behind({ [A]: 600, [B]: 0 })).toEqual({ [A]: 0, [B]: 0 })
})

it('starts one that comes later, or comes back, level with the one that has had least', () => {
  const { behind } = start()
  behind({ [A]: 20_000, [B]: 20_000 })

  expect(behind({ [A]: 0, [B]: 0, [C]: 0 })).toEqual({ [A]: 0, [B]: 0, [C]: 0 })
  behind({ [A]: 0, [B]: 0, [C]: 9000 })
  behind({ [A]: 0, [B]: 0 })
  expect(behind({ [A]: 0, [B]: 0, [C]: 0 })).toEqual({ [A]: 0, [B]: 0, [C]: 0 })
})

it('lets nobody pay for having been alone, nor for more than some seconds', () => {
  const { behind } = start()
  behind({ [A]: 3_600_000 })

  expect(behind({ [A]: 0, [B]: 0 })[A]).toBe(0)
  expect(behind({ [A]: 3_600_000, [B]: 0 })[A]).toBe(TURNS_MAX)
})

it.each([
  [200, 4000],
  [200, 1000],
  [1000, 1000],
  [1000, 4000],
])(
  'brings two projects to equal shares of two threads within a minute, with trainings of %i and %i ms',
  (aMs, bMs) => {
    const STEP_MS = 50
    const WINDOW = 4
    const THREADS = 2
    // The time between a training and the next, which nobody has.
    const HAND_OVER_MS = 50
    let now = 0
    const { behind: ask } = start()
    const waiting: ProjectId[] = []
    let running: { id: ProjectId; endsMs: number }[] = []
    const usedMs = { [A]: 0, [B]: 0 }
    let since = { [A]: 0, [B]: 0 }
    const count = (among: readonly ProjectId[], id: ProjectId) =>
      among.filter((one) => one === id).length

    // As the dispatcher and its queue do: turns count what is under way, and what waits is taken in order.
    for (; now < 60_000; now += STEP_MS) {
      running = running.filter(({ endsMs }) => endsMs + HAND_OVER_MS > now)
      const held = running.map(({ id }) => id)
      const behind = ask(since)
      since = { [A]: 0, [B]: 0 }
      while (running.length + waiting.length < WINDOW) {
        const turnOf = (id: ProjectId) => count([...held, ...waiting], id) + (behind[id] ?? 0)
        waiting.push(turnOf(A) <= turnOf(B) ? A : B)
      }
      while (running.length < THREADS) {
        const id = waiting.shift() as ProjectId
        running.push({ id, endsMs: now + (id === A ? aMs : bMs) })
      }
      for (const { id } of running.filter(({ endsMs }) => endsMs > now)) {
        usedMs[id] = (usedMs[id] ?? 0) + STEP_MS
        since[id] = (since[id] ?? 0) + STEP_MS
      }
    }

    const [a = 0, b = 0] = [usedMs[A], usedMs[B]]
    expect(Math.abs(a - b) / (a + b)).toBeLessThan(SHARES_DIFFER_MAX)
  },
)
