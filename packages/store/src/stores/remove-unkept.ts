import type { UnkeptTrials } from '@trainyard/domain'
import type { Queryable } from '../client.ts'
import { Prisma } from '../generated/client.ts'
import { dropCheckpoints } from './checkpoints.ts'

/**
 * The caller holds the sweep's row. The hash of weights stays, so that the training can still be verified; blobs that nothing
 * refers to any more are swept later, as all are.
 */
export async function removeUnkept(
  transaction: Queryable,
  sweepId: string,
  unkept: UnkeptTrials,
): Promise<void> {
  for (const which of ['best', 'last'] as const) {
    const trials = unkept[which]
    if (trials.length === 0) continue
    // Of a trial that has lost a training by its deletion others may be under way.
    const ended = Prisma.sql`sweep_id = ${sweepId} AND trial_index = ANY(${trials}::int[])
      AND status IN ('succeeded', 'failed', 'cancelled')`
    await transaction.$executeRaw`
      UPDATE job_weights SET removed_sha256 = sha256, sha256 = NULL
      WHERE which = ${which} AND sha256 IS NOT NULL AND job_id IN (SELECT id FROM jobs WHERE ${ended})`
    if (which === 'last') await dropCheckpoints(transaction, ended)
  }
}
