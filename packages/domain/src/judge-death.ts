/**
 * What becomes of a job whose worker died. A dead process takes all its jobs with it and at most one of them is to blame, so
 * deaths are counted per job, and progress in between sets the count back: a long job may see any number of them.
 */

/** Deaths in a row without progress after which a job is suspect, and runs with nobody beside it. */
export const SUSPECT_DEATHS = 2
/** Further deaths, alone, after which it is to blame. */
const LONE_DEATHS_MAX = 3
export const DEATHS_MAX = SUSPECT_DEATHS + LONE_DEATHS_MAX
/** Waits before the next attempt, by deaths so far: the first costs nothing, since machines fail too. */
const BACKOFF_SECONDS: readonly number[] = [0, 10, 60, 60]
export const BACKOFF_SECONDS_MAX = Math.max(...BACKOFF_SECONDS)

type Judgement = { verdict: 'again'; backoffSeconds: number } | { verdict: 'guilty' }

/** What follows when a worker is lost, and the deaths by then. `deaths` is 0 for one that was told to go. */
export function judgeLoss(before: number, deaths: 0 | 1): Judgement & { crashes: number } {
  const crashes = before + deaths
  const judged: Judgement =
    deaths === 0 ? { verdict: 'again', backoffSeconds: 0 } : judgeDeath(crashes)
  return { ...judged, crashes }
}

/** `deaths` in a row without progress, the last one included. */
export function judgeDeath(deaths: number): Judgement {
  if (deaths >= DEATHS_MAX) return { verdict: 'guilty' }
  return { verdict: 'again', backoffSeconds: BACKOFF_SECONDS[deaths - 1] ?? 0 }
}
