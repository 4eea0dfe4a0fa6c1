/** What callers ask of a job that is there: its row is locked, `decide` says what follows, and the event goes with it. */
import type { CancelMode, Job, ProjectId } from '@trainyard/contracts'
import { decideCancel, decidePause, decideResume } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { Queryable } from '../client.ts'
import { insertEvent } from './events.ts'

/** False when there is no such job. */
export type MoveJob = (transaction: Queryable, projectId: ProjectId, id: string) => Promise<boolean>

export const cancelJob =
  (mode: CancelMode): MoveJob =>
  async (transaction, projectId, id) => {
    const status = await lockJob(transaction, projectId, id)
    if (status === null) return false
    switch (decideCancel(status, mode)) {
      case 'cancel_now':
        // Without its lease a worker that trains it still can write nothing more.
        await transaction.$executeRaw`
          WITH job AS (
            UPDATE jobs SET status = 'cancelled', stop_reason = 'cancelled', event_seq = event_seq + 1,
              cancel_requested_at = COALESCE(cancel_requested_at, clock_timestamp()),
              finished_at = clock_timestamp(), lease_until = NULL
            WHERE id = ${id} RETURNING id, event_seq)
          ${insertEvent('job.cancelled', describeCancel(status), { status: 'cancelled' })}`
        break
      case 'ask_worker':
        await transaction.$executeRaw`
          WITH job AS (
            UPDATE jobs SET status = 'cancelling', event_seq = event_seq + 1,
              cancel_requested_at = clock_timestamp()
            WHERE id = ${id} RETURNING id, event_seq)
          ${insertEvent('job.cancelling', 'The worker stops at the next batch', { status: 'cancelling' })}`
        break
      case 'already':
        break
    }
    failpoint('api.cancel_before_commit')
    return true
  }

export const pauseJob: MoveJob = async (transaction, projectId, id) => {
  const status = await lockJob(transaction, projectId, id)
  if (status === null) return false
  switch (decidePause(status)) {
    case 'pause_now':
      // Its delivery, if there is one, will find nothing to claim.
      await transaction.$executeRaw`
        WITH job AS (
          UPDATE jobs SET status = 'paused', dispatched_at = NULL, event_seq = event_seq + 1
          WHERE id = ${id} RETURNING id, event_seq)
        ${insertEvent('job.paused', 'The job waits until it is resumed', { status: 'paused' })}`
      break
    case 'ask_worker':
      await transaction.$executeRaw`
        WITH job AS (
          UPDATE jobs SET status = 'pausing', event_seq = event_seq + 1 WHERE id = ${id} RETURNING id, event_seq)
        ${insertEvent('job.pausing', 'The worker stops at the next batch and keeps a checkpoint', { status: 'pausing' })}`
      break
    case 'already':
      break
  }
  return true
}

export const resumeJob: MoveJob = async (transaction, projectId, id) => {
  const status = await lockJob(transaction, projectId, id)
  if (status === null) return false
  switch (decideResume(status)) {
    case 'queue':
      await transaction.$executeRaw`
        WITH job AS (
          UPDATE jobs SET status = 'queued', dispatched_at = NULL, dispatch_generation = dispatch_generation + 1,
            run_after = clock_timestamp(), event_seq = event_seq + 1
          WHERE id = ${id} RETURNING id, event_seq)
        ${insertEvent('job.resumed', 'The job waits for a worker, to go on where it was', { status: 'queued' })}`
      break
    case 'already':
      break
  }
  return true
}

async function lockJob(
  transaction: Queryable,
  projectId: ProjectId,
  id: string,
): Promise<Job['status'] | null> {
  const locked = await transaction.$queryRaw<{ status: Job['status'] }[]>`
    SELECT status FROM jobs
    WHERE project_id = ${projectId} AND id = ${id} AND deleted_at IS NULL FOR UPDATE`
  return locked[0]?.status ?? null
}

function describeCancel(status: Job['status']): string {
  if (status === 'queued') return 'The job was cancelled before it started'
  if (status === 'paused') return 'The job was cancelled while it was paused'
  return 'The job was cancelled at once'
}
