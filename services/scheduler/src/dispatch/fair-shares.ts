/**
 * How much of the workers each project has had, so that those that have work waiting come to equal shares of thread time,
 * however long their trainings are. By numbers alone, trainings of seconds would get more than trainings of milliseconds:
 * what waits at the workers is taken in order, and a long one holds its thread until its end.
 */
import type { ProjectId } from '@trainyard/contracts'
import type { ThreadTimes } from '@trainyard/domain'

/** So much more thread time than the project that has had least puts a project one turn back. */
const TURN_MS = 250
/** More than this is not paid back: nobody waits longer for having had threads that others had no work for. */
const AHEAD_MS_MAX = 15_000

export interface FairShares {
  /** Until when by Postgres' clock it knows what everybody has had; null before the first time. */
  atMs(): number | null
  /** Adds what projects have had since, and tells by how many turns each of them waits for the one that has had least. */
  behind(times: ThreadTimes): Map<ProjectId, number>
}

/** Kept in memory alone: after a change of the leader all begin anew, level. */
export function makeFairShares(): FairShares {
  let known: number | null = null
  /** Beyond the project that has had least. */
  let aheadMs = new Map<ProjectId, number>()

  return {
    atMs: () => known,
    behind({ atMs, threadMs }) {
      known = atMs
      // Who comes back begins level with the one that has had least: nothing is saved up while one asks for nothing.
      const had = new Map([...threadMs].map(([id, ms]) => [id, (aheadMs.get(id) ?? 0) + ms]))
      const least = Math.min(...had.values())
      aheadMs = new Map([...had].map(([id, ms]) => [id, Math.min(ms - least, AHEAD_MS_MAX)]))
      return new Map([...aheadMs].map(([id, ms]) => [id, Math.floor(ms / TURN_MS)]))
    },
  }
}
