/** What a delivery sets going on a worker: one job, or a batch of short trials. */
import type { JobId } from '@trainyard/contracts'
import type { ClaimedJob, StopWish } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { WorkerDeps } from '../deps.ts'
import { makeStartJob } from './run-job.ts'
import type { RunningJob } from './running-job.ts'
import { createSolitude } from './solitude.ts'
import { makeBatchTrainer } from './train-batch.ts'

export interface JobTrainer {
  /**
   * What a delivery sets going: claim → train → finish → announce. Resolves when the job is ended or another's. `onTrained` is
   * called when a batch of trials needs its thread no more and only has to be written.
   */
  train(jobId: JobId, onTrained?: () => void): Promise<void>
  /** Of a job that another trains, or nobody, nothing happens. */
  stop(jobId: JobId, how: StopWish): void
  running(): Iterable<RunningJob>
  /** Stops every job at its next batch and gives it back with a checkpoint; takes no more. */
  drain(): Promise<void>
}

export function makeJobTrainer(deps: WorkerDeps): JobTrainer {
  const { leases, pulse, log, workerId } = deps
  const running = new Map<JobId, RunningJob>()
  const startJob = makeStartJob(deps)
  const batches = makeBatchTrainer(deps)
  let isDraining = false
  const solitude = createSolitude(() => {
    for (const job of running.values()) job.stop('made_way')
  })

  /** False when there was nothing to claim. */
  const claimAndRun = async (
    jobId: JobId,
    acquit: (() => void) | null,
    onTrained = () => {},
  ): Promise<boolean> => {
    if (isDraining) return true
    failpoint('worker.delivered')
    const claimed = await leases.claim(jobId, workerId, { isAlone: acquit !== null })
    if (claimed === null) return false
    failpoint('worker.claimed')
    if (acquit === null && claimed.trial?.expectedMs != null) {
      await runBatch(claimed, onTrained)
      return true
    }
    pulse.jobChanged(jobId)
    const job = startJob(claimed, acquit)
    running.set(jobId, job)
    if (isDraining) job.stop('drain')
    else if (acquit === null && solitude.isWanted()) job.stop('made_way')
    try {
      await job.ended
    } finally {
      // Fenced, it may have been taken again by this very worker: that one stays within reach.
      if (running.get(jobId) === job) running.delete(jobId)
      pulse.jobChanged(jobId)
      pulse.slotFreed()
    }
    return true
  }

  /** The trial with others of its sweep that are as short. */
  const runBatch = async (first: ClaimedJob, onTrained: () => void): Promise<void> => {
    const { jobs, trained } = await batches.start(first)
    for (const [jobId, job] of jobs) running.set(jobId, job)
    if (isDraining) for (const job of jobs.values()) job.stop('drain')
    else if (solitude.isWanted()) for (const job of jobs.values()) job.stop('made_way')
    trained.then(onTrained)
    try {
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
    } finally {
      for (const [jobId, job] of jobs) if (running.get(jobId) === job) running.delete(jobId)
      pulse.slotFreed()
    }
  }

  return {
    async train(jobId, onTrained) {
      if (await solitude.beside(() => claimAndRun(jobId, null, onTrained))) return
      // Else taken by another, ended or cancelled meanwhile: the delivery has done its work.
      if (!(await leases.isSuspect(jobId))) return
      log.warn({ job: jobId }, 'a job has lost several workers in a row and runs alone')
      await solitude.alone(async (acquit) => {
        await claimAndRun(jobId, acquit)
      })
    },
    stop(jobId, how) {
      const job = running.get(jobId)
      if (how === 'force') job?.kill()
      else job?.stop(how)
    },
    running: () => running.values(),
    async drain() {
      isDraining = true
      const jobs = [...running.values()]
      for (const job of jobs) job.stop('drain')
      // One that could not be given back says so to its own delivery; the others still need their threads.
      await Promise.allSettled(jobs.map((job) => job.ended))
    },
  }
}
