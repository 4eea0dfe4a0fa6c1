import type { ProjectId } from '@trainyard/contracts'
import type { ThreadUse } from '@trainyard/domain'
import { expect, it } from 'vitest'
import { makeFairShares } from './fair-shares.ts'

const [A, B, C] = ['proj_a', 'proj_b', 'proj_c'] as ProjectId[] as [ProjectId, ProjectId, ProjectId]
/** Of the threads; the promise. */
const SHARES_DIFFER_MAX = 0.1
const TURNS_MAX = 3

const using = (threads: Record<string, number>): ThreadUse[] =>
  Object.entries(threads).map(([id, count]) => ({ projectId: id as ProjectId, threads: count }))

function start() {
  let now = 0
  const shares = makeFairShares(() => now)
  /** What the choice sees after so long with these threads in use. */
  const after = (ms: number, threads: Record<string, number>) => {
    shares.behind(using(threads), TURNS_MAX)
    now += ms
    return shares.behind(using(threads), TURNS_MAX)
  }
  return { shares, after }
}

it('puts nobody back who has had what the others had', () => {
  const { after } = start()

  expect(after(5000, { [A]: 1, [B]: 1 })).toEqual(
    new Map([
      [A, 0],
      [B, 0],
    ]),
  )
})

it('puts a project that has had more thread time back, the more the further', () => {
  const { after } = start()

  const soon = after(200, { [A]: 0, [B]: 2 })
  const later = after(200, { [A]: 0, [B]: 2 })

  expect([soon.get(A), later.get(A)]).toEqual([0, 0])
  expect(soon.get(B)).toBeGreaterThan(0)
  expect(later.get(B)).toBeGreaterThan(soon.get(B) ?? 0)
})

it('does not keep one from going on that is very far ahead', () => {
  const { after } = start()

  expect(after(60_000, { [A]: 0, [B]: 2 }).get(B)).toBe(TURNS_MAX)
})

it('starts one that comes later level with the one that has had least', () => {
  const { after, shares } = start()
  after(20_000, { [A]: 1, [B]: 1 })

  const behind = shares.behind(using({ [A]: 1, [B]: 1, [C]: 0 }), TURNS_MAX)

  expect([...behind.values()]).toEqual([0, 0, 0])
})

it('does not let one pay for ever for having been alone', () => {
  const { after } = start()
  after(3_600_000, { [A]: 2 })

  const behind = after(1, { [A]: 1, [B]: 1 })

  expect(behind.get(A)).toBe(behind.get(B))
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
    let now = 0
    const shares = makeFairShares(() => now)
    const waiting: ProjectId[] = []
    let running: { id: ProjectId; endsMs: number }[] = []
    const usedMs = { [A]: 0, [B]: 0 }
    const count = (among: readonly ProjectId[], id: ProjectId) =>
      among.filter((one) => one === id).length

    // As the dispatcher and its queue do: turns count what is under way, and what waits is taken in order.
    for (; now < 60_000; now += STEP_MS) {
      running = running.filter(({ endsMs }) => endsMs > now)
      const held = running.map(({ id }) => id)
      const next = [...held, ...waiting].slice(0, THREADS)
      const behind = shares.behind(using({ [A]: count(next, A), [B]: count(next, B) }), TURNS_MAX)
      while (running.length + waiting.length < WINDOW) {
        const turnOf = (id: ProjectId) => count([...held, ...waiting], id) + (behind.get(id) ?? 0)
        waiting.push(turnOf(A) <= turnOf(B) ? A : B)
      }
      while (running.length < THREADS) {
        const id = waiting.shift() as ProjectId
        running.push({ id, endsMs: now + (id === A ? aMs : bMs) })
      }
      for (const { id } of running) usedMs[id] = (usedMs[id] ?? 0) + STEP_MS
    }

    const [a = 0, b = 0] = [usedMs[A], usedMs[B]]
    expect(Math.abs(a - b) / (a + b)).toBeLessThan(SHARES_DIFFER_MAX)
  },
)
