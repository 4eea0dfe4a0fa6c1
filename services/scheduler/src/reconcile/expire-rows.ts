import type { SchedulerDeps } from '../deps.ts'

/**
 * Removes what has had its time: idempotency keys after a day, bytes that nothing refers to after an hour, uploads whose
 * process has died, checkpoints so many days after the end of their job.
 */
export const makeExpireRows =
  ({
    blobs,
    idempotency,
    ingests,
    checkpoints,
    checkpointDays,
    log,
  }: Pick<
    SchedulerDeps,
    'blobs' | 'idempotency' | 'ingests' | 'checkpoints' | 'checkpointDays' | 'log'
  >) =>
  async (): Promise<void> => {
    const keys = await idempotency.expire()
    const uploads = await ingests.expire()
    const swept = await blobs.sweep()
    const expired = await checkpoints.expire(checkpointDays)
    if (keys + uploads + swept + expired > 0) {
      log.info({ keys, uploads, blobs: swept, checkpoints: expired }, 'expired rows are removed')
    }
  }
