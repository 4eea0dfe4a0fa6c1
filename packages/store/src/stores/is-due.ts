import { BACKOFF_SECONDS_MAX } from '@trainyard/domain'
import { Prisma } from '../generated/client.ts'

/**
 * A queued job waits no more after the death of its worker. A time that no back-off reaches was written before the clock was
 * set back.
 */
export const isDue = Prisma.sql`run_after NOT BETWEEN clock_timestamp() AND clock_timestamp() + ${BACKOFF_SECONDS_MAX}::int * interval '1 second'`
