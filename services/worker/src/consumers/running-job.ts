/** Why a running job was told to stop. A fence outranks the others: nothing may be written after it. */
export type StopCause = 'cancel' | 'drain' | 'made_way' | 'fenced'

/** How long a thread has to stop before it is ended: a checkpoint is worth some waiting, within the time of a drain. */
export const STOP_MS_MAX: Record<StopCause, number> = {
  cancel: 1000,
  fenced: 1000,
  drain: 2500,
  made_way: 2500,
}

export interface RunningJob {
  stop(cause: StopCause): void
  ended: Promise<void>
}
