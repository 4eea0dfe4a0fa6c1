import type { ProjectId, Sweep } from '@trainyard/contracts'
import { isSweepEnded, type SweepStore } from '@trainyard/domain'
import type { JobWatch } from '../streams/job-watch.ts'
import { findSweep } from './find-sweep.ts'
import { waitForChange } from './wait-for-change.ts'

export type ReadSweep = (
  projectId: ProjectId,
  id: string,
  options: { waitSeconds: number; signal: AbortSignal },
) => Promise<Sweep>

/** The sweep as it is; with `waitSeconds`, after its next change of status or of the number of ended trials. */
export function makeReadSweep({
  sweeps,
  watch,
}: {
  sweeps: Pick<SweepStore, 'find'>
  watch: JobWatch
}): ReadSweep {
  return (projectId, id, options) =>
    waitForChange(watch, {
      ...options,
      read: () => findSweep(sweeps, projectId, id),
      hasEnded: ({ status }) => isSweepEnded(status),
      hasChanged: (before, now) => before.status !== now.status || before.progress !== now.progress,
    })
}
