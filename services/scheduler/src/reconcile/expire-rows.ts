import type { SchedulerDeps } from '../deps.ts'

/**
 * Removes what has had its time: idempotency keys after a day, bytes that nothing refers to after an hour, uploads whose
 * process has died.
 */
export const makeExpireRows =
  ({
    blobs,
    idempotency,
    ingests,
    log,
  }: Pick<SchedulerDeps, 'blobs' | 'idempotency' | 'ingests' | 'log'>) =>
  async (): Promise<void> => {
    const keys = await idempotency.expire()
    const uploads = await ingests.expire()
    const swept = await blobs.sweep()
    if (keys + uploads + swept > 0) {
      log.info({ keys, uploads, blobs: swept }, 'expired rows are removed')
    }
  }
