import type { SchedulerDeps } from '../deps.ts'

/** Removes what has had its time: idempotency keys after a day, bytes that nothing refers to after an hour. */
export const makeExpireRows =
  ({ blobs, idempotency, log }: Pick<SchedulerDeps, 'blobs' | 'idempotency' | 'log'>) =>
  async (): Promise<void> => {
    const keys = await idempotency.expire()
    const swept = await blobs.sweep()
    if (keys + swept > 0) log.info({ keys, blobs: swept }, 'expired rows are removed')
  }
