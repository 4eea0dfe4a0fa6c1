/**
 * How much of the workers each project has had, so that those that have work waiting come to equal shares of thread time,
 * however long their trainings are. By numbers alone, trainings of seconds would get more than trainings of milliseconds:
 * what waits at the workers is taken in order, and a long one holds its thread until its end.
 */
import type { ProjectId } from '@trainyard/contracts'
import type { ThreadUse } from '@trainyard/domain'

/** So much more thread time than the project that has had least puts a project one turn back. */
const TURN_MS = 250
/**
 * What is longer ago than a few of these is forgotten. Much longer than a training that fills a thread: what is owed would be
 * forgotten before it was paid back.
 */
const HALF_LIFE_MS = 300_000
const FORGOTTEN_MS = 1

export interface FairShares {
  /**
   * Turns by which projects wait for the one that has had least, `turnsMax` at most: who is far ahead goes on, slowly. Of none
   * that have neither work waiting nor under way.
   */
  behind(uses: readonly ThreadUse[], turnsMax: number): Map<ProjectId, number>
}

/** Kept in memory alone: after a change of the leader all begin anew, level. */
export function makeFairShares(nowMs: () => number = () => performance.now()): FairShares {
  const usedMs = new Map<ProjectId, number>()
  let before: { atMs: number; threads: Map<ProjectId, number> } | null = null

  function advance(atMs: number): void {
    if (before === null) return
    const elapsedMs = atMs - before.atMs
    const kept = 0.5 ** (elapsedMs / HALF_LIFE_MS)
    for (const id of new Set([...usedMs.keys(), ...before.threads.keys()])) {
      const ms = (usedMs.get(id) ?? 0) * kept + (before.threads.get(id) ?? 0) * elapsedMs
      if (ms < FORGOTTEN_MS && !before.threads.has(id)) usedMs.delete(id)
      else usedMs.set(id, ms)
    }
  }

  return {
    behind(uses, turnsMax) {
      const atMs = nowMs()
      advance(atMs)
      const threads = new Map(uses.map((use) => [use.projectId, use.threads]))
      // Who comes back begins level with the one that has had least: nothing is saved up while one asks for nothing.
      const staying = [...threads.keys()].filter((id) => before?.threads.has(id))
      const level = leastOf(staying)
      for (const id of threads.keys()) {
        if (!staying.includes(id)) usedMs.set(id, Math.max(usedMs.get(id) ?? 0, level))
      }
      before = { atMs, threads }
      const least = leastOf([...threads.keys()])
      return new Map(
        [...threads.keys()].map((id) => [
          id,
          Math.min(turnsMax, Math.floor(((usedMs.get(id) ?? 0) - least) / TURN_MS)),
        ]),
      )
    },
  }

  function leastOf(ids: readonly ProjectId[]): number {
    if (ids.length === 0) return 0
    return Math.min(...ids.map((id) => usedMs.get(id) ?? 0))
  }
}
