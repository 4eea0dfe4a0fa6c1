import type { JobId } from '@trainyard/contracts'
import type { Logger } from 'pino'
import type { JobTrainer } from './train-job.ts'

/**
 * Resolves when the next delivery may be taken: a batch of trials is written while its thread has gone on, but one at a time,
 * so that unwritten ones do not pile up.
 */
export function makeTakeDelivery(
  trainer: Pick<JobTrainer, 'train'>,
  log: Logger,
): (jobId: JobId) => Promise<void> {
  let writing: Promise<void> = Promise.resolve()
  return async (jobId) => {
    const trained = Promise.withResolvers<void>()
    const ended = trainer.train(jobId, trained.resolve)
    const goesOn = trained.promise.then(async () => {
      const before = writing
      writing = ended.catch((error: unknown) => {
        log.error({ err: error, job: jobId }, 'a batch of trials could not be written')
      })
      await before
    })
    await Promise.race([ended, goesOn])
  }
}
