/** Why a running job was told to stop. */
export type StopCause = 'cancel' | 'pause' | 'drain' | 'made_way' | 'outage' | 'fenced'

/** A cancel does not wait as long as the others may, and nothing may be written after a fence. */
const RANKS: Record<StopCause, number> = {
  ...{ pause: 0, drain: 0, made_way: 0, outage: 0 },
  cancel: 1,
  fenced: 2,
}

export function outranks(cause: StopCause, before: StopCause | null): boolean {
  return before === null || RANKS[cause] > RANKS[before]
}

/** How long a thread has to stop before it is ended: after its next batch. */
export const STOP_MS_MAX = 1000

/** How long a cancel waits for weights or a checkpoint that cannot be stored, as when a bucket is away and Postgres is not. */
const CANCELLED_STORE_MS_MAX = 2000

/** Nobody wants any more what could not be stored for so long. */
export function isForsaken(cause: StopCause | null, waitedMs: number): boolean {
  return cause === 'fenced' || (cause === 'cancel' && waitedMs > CANCELLED_STORE_MS_MAX)
}

export interface RunningJob {
  stop(cause: StopCause): void
  /** It has ended already, whatever its thread is at. */
  kill(): void
  /** Bytes that its thread holds beyond what the job was planned with; null while it holds none. */
  excessBytes(): Promise<number | null>
  /** Ends its thread and fails it: it takes so much memory that others need. */
  outgrow(excessBytes: number): void
  ended: Promise<void>
}
