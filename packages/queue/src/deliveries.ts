import type { JobId } from '@trainyard/contracts'
import type { Dispatchable } from '@trainyard/domain'

export const QUEUE_NAME = 'training-jobs'
export const DELIVERY_NAME = 'train-job'

/** All that travels: which row to look at. The row says everything else. */
export interface Delivery {
  job_id: JobId
  /** Counts how often the job was handed over; a delivery of an older generation is as good as the newest. */
  dispatch_generation: number
}

/** BullMQ ignores an id that it still holds, so each handing-over has its own. */
export function toDeliveryId(job: Dispatchable): string {
  return `${job.jobId}-g${job.generation}`
}
