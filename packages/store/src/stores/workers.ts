import type { WorkerStore } from '@trainyard/domain'
import type { Database } from '../client.ts'
import { translateErrors } from '../to-domain-error.ts'

export function createWorkers(database: Database, options: { leaseSeconds: number }): WorkerStore {
  return {
    heartbeat: (worker) =>
      translateErrors(async () => {
        await database.$executeRaw`
          INSERT INTO workers (id, slots) VALUES (${worker.id}, ${worker.slots})
          ON CONFLICT (id) DO UPDATE SET slots = EXCLUDED.slots, seen_at = clock_timestamp()`
      }),

    drain: (id) =>
      translateErrors(async () => {
        await database.$executeRaw`UPDATE workers SET draining = true WHERE id = ${id}`
      }),

    leave: (id) =>
      translateErrors(async () => {
        // What it could not give back is found by its lease, and counts as no death as long as this row says that it drained.
        await database.$executeRaw`
          DELETE FROM workers WHERE id = ${id} AND NOT EXISTS (
            SELECT 1 FROM jobs WHERE lease_owner = ${id} AND status IN ('running', 'pausing', 'cancelling'))
          AND NOT EXISTS (
            SELECT 1 FROM batch_predictions WHERE lease_owner = ${id} AND status IN ('running', 'cancelling'))`
      }),

    slots: () =>
      translateErrors(async () => {
        // Workers that died without leaving are forgotten here, an hour later.
        await database.$executeRaw`DELETE FROM workers WHERE seen_at < clock_timestamp() - interval '1 hour'`
        const rows = await database.$queryRaw<{ slots: number }[]>`
          SELECT COALESCE(sum(slots), 0)::int AS slots FROM workers
          WHERE NOT draining AND seen_at > clock_timestamp() - make_interval(secs => ${options.leaseSeconds}::float8)`
        return rows[0]?.slots ?? 0
      }),
  }
}
