import type { ProjectId, Sweep } from '@trainyard/contracts'
import { DomainError, type Pulse, type SweepCommand, type SweepStore } from '@trainyard/domain'
import { resolveSweep } from '@trainyard/sweeps'
import { isIdLike } from './find-job.ts'
import { findSweep } from './find-sweep.ts'

export interface CommandSweep {
  command(projectId: ProjectId, id: string, command: SweepCommand): Promise<Sweep>
  /** More trials; an ended sweep goes on. */
  extend(projectId: ProjectId, id: string, maxTrials: number): Promise<Sweep>
  /** Trains what has failed of a trial again, with the same seeds. */
  retryTrial(projectId: ProjectId, id: string, trialIndex: string): Promise<Sweep>
}

export function makeCommandSweep({
  sweeps,
  pulse,
}: {
  sweeps: Pick<SweepStore, 'find' | 'command' | 'extend' | 'retryTrial'>
  pulse: Pick<Pulse, 'stopAsked' | 'sweepChanged' | 'jobQueued'>
}): CommandSweep {
  const announce = (sweep: Sweep | null): Sweep => {
    if (sweep === null) throw new DomainError('sweep_not_found')
    pulse.sweepChanged(sweep.id)
    pulse.jobQueued()
    return sweep
  }
  return {
    async command(projectId, id, command) {
      const done = isIdLike(id, 'swp') ? await sweeps.command(projectId, id, command) : null
      for (const jobId of done?.running ?? []) pulse.stopAsked(jobId, 'cancel')
      return announce(done?.sweep ?? null)
    },

    async extend(projectId, id, maxTrials) {
      const sweep = await findSweep(sweeps, projectId, id)
      // A grid has only so many points.
      const resolution = resolveSweep(sweep.config, { seed: sweep.seed, maxTrials })
      const possible = 'sweep' in resolution ? resolution.sweep.maxTrials : 0
      if (possible < maxTrials) {
        const detail = `is ${maxTrials}, but this sweep has at most ${possible} trials`
        throw new DomainError('validation_error', { errors: [{ pointer: '#/max_trials', detail }] })
      }
      return announce(await sweeps.extend(projectId, id, maxTrials))
    },

    async retryTrial(projectId, id, trialIndex) {
      await findSweep(sweeps, projectId, id)
      const index = /^\d{1,5}$/.test(trialIndex) ? Number(trialIndex) : null
      const sweep = index === null ? null : await sweeps.retryTrial(projectId, id, index)
      if (sweep === null) throw new DomainError('trial_not_found')
      return announce(sweep)
    },
  }
}
