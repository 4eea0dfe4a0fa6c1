import type { EpochLayers, ProjectId } from '@trainyard/contracts'
import type { JobStore } from '@trainyard/domain'
import { findJob } from './find-job.ts'

export type ReadLayers = (projectId: ProjectId, id: string) => Promise<EpochLayers[]>

export function makeReadLayers({ jobs }: { jobs: Pick<JobStore, 'find' | 'layers'> }): ReadLayers {
  return async (projectId, id) => {
    const job = await findJob(jobs, projectId, id)
    return await jobs.layers(job.id)
  }
}
