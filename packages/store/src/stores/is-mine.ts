import type { Lease } from '@trainyard/domain'
import { Prisma } from '../generated/client.ts'

/** The fence. `pausing` and `cancelling` belong to it: a worker that is asked to stop still reports how it ended. */
export function isMine(lease: Lease): Prisma.Sql {
  return Prisma.sql`id = ${lease.jobId} AND lease_epoch = ${lease.leaseEpoch} AND status IN ('running', 'pausing', 'cancelling')`
}
