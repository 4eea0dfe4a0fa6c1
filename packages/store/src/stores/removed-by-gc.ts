import type { JobId } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { Queryable } from '../client.ts'

/** Throws `removed_by_gc` for an ended training of a sweep that keeps no checkpoints. */
export async function assertCheckpointsKept(queryable: Queryable, jobId: JobId): Promise<void> {
  const rows = await queryable.$queryRaw<unknown[]>`
    SELECT 1 FROM jobs j JOIN sweeps s ON s.id = j.sweep_id
    WHERE j.id = ${jobId} AND j.finished_at IS NOT NULL AND s.config->'gc'->>'save_trial_latest' = '0'`
  if (rows.length > 0) throw removedByGc('checkpoints', jobId)
}

export function removedByGc(what: string, jobId: JobId): DomainError {
  const detail = `The gc of its sweep has removed the ${what} of ${jobId}.`
  return new DomainError('removed_by_gc', { detail })
}
