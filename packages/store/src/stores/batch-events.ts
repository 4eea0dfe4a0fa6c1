import { type BatchPredictionEventType, createId } from '@trainyard/contracts'
import { Prisma } from '../generated/client.ts'

const LEVELS: Partial<Record<BatchPredictionEventType, 'warn' | 'error'>> = {
  'batch_prediction.retrying': 'warn',
  'batch_prediction.failed': 'error',
}

/**
 * The tail of a statement whose common table `batch` has the `id` and the `event_seq` that it has just taken, as `insertEvent`
 * is for jobs.
 */
export function insertBatchEvent(
  type: BatchPredictionEventType,
  message: string,
  data: Record<string, unknown>,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO batch_prediction_events (id, batch_prediction_id, seq, level, type, message, data)
    SELECT ${createId('event')}, batch.id, batch.event_seq, ${LEVELS[type] ?? 'info'}, ${type}, ${message},
      ${JSON.stringify(data)}::jsonb FROM batch`
}
