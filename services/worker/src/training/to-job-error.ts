import type { JobError, ResolvedConfig } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import type { TrainingReport } from './thread-protocol.ts'
import { UnresumableError } from './training-threads.ts'

/** A loss that is not finite is a result for the user, with where it happened and what to try. */
export function toDivergedError(
  at: Extract<TrainingReport['end'], { kind: 'diverged' }>['at'],
  resolved: ResolvedConfig,
): JobError {
  const rate = resolved.training.optimizer.learning_rate
  return {
    code: 'diverged',
    message: `The loss or a gradient was not finite in epoch ${at.epoch}, batch ${at.batch}`,
    hint: `The learning rate of ${rate} is likely too large: try ${rate / 10}.`,
    param: 'training.optimizer.learning_rate',
    at: { epoch: at.epoch, batch: at.batch, layer: at.layer, row: at.row },
  }
}

/** One batch took longer than a thread may be silent. */
export function toBatchTimeout(batchMs: number): JobError {
  return {
    code: 'batch_timeout',
    message: `One batch took longer than ${batchMs / 1000} s`,
    hint: 'Use a smaller batch size or fewer units: a training can be stopped, saved and watched only between batches.',
    param: 'training.batch_size',
    at: null,
  }
}

/** The worker ran short of memory, and this training held more than it was admitted with. */
export function toOutgrown(excessBytes: number): JobError {
  return {
    code: 'out_of_memory',
    message: `The training held ${Math.ceil(excessBytes / 1024 ** 2)} MiB more than was planned for it, and the worker ran short of memory`,
    hint: 'Use fewer units, a smaller batch size or fewer rows.',
    param: null,
    at: null,
  }
}

/** What a thread threw, or what kept it from starting, as the job's end. Of our own errors a thread keeps only the message. */
export function toFailedError(error: unknown): JobError {
  const { code } = error as { code?: string }
  const plain = { param: null, at: null }
  if (error instanceof DataError) {
    const hint = error.faults[0]?.remedy ?? null
    return { code: 'invalid_data', message: error.message, hint, ...plain }
  }
  if (error instanceof UnresumableError) {
    return {
      code: 'checkpoint_lost',
      message: `The checkpoint that the job goes on from cannot be used: ${error.message}`,
      hint: 'Fork another checkpoint, or clone the job to train it from the beginning.',
      ...plain,
    }
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || error instanceof RangeError) {
    return {
      code: 'out_of_memory',
      message: 'The training needs more memory than a thread may have',
      hint: 'Use fewer units, a smaller batch size or fewer rows.',
      ...plain,
    }
  }
  return {
    code: 'internal',
    message: 'Something went wrong on our side',
    hint: 'The fault is in the log of the worker; a retry gives the same unless the service is mended.',
    ...plain,
  }
}
