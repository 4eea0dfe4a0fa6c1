/** Why a running job was told to stop. A fence outranks the others: nothing may be written after it. */
export type StopCause = 'cancel' | 'pause' | 'drain' | 'made_way' | 'fenced'

/** How long a thread has to stop before it is ended: after its next batch. */
export const STOP_MS_MAX = 1000

export interface RunningJob {
  stop(cause: StopCause): void
  /** It has ended already, whatever its thread is at. */
  kill(): void
  ended: Promise<void>
}
