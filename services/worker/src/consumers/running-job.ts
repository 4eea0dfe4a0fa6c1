/** Why a running job was told to stop. A fence outranks the others: nothing may be written after it. */
export type StopCause = 'cancel' | 'pause' | 'drain' | 'made_way' | 'fenced'

/** How long a thread has to stop before it is ended: after its next batch. */
export const STOP_MS_MAX = 1000

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
