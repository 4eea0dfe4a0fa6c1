import type { Diagnosis, ProjectId } from '@trainyard/contracts'
import { diagnose } from '@trainyard/domain'
import type { ReadHistory } from './read-metrics.ts'

export type DiagnoseJob = (projectId: ProjectId, id: string) => Promise<Diagnosis>

/** Rules look at extremes and at long stretches, which a thinned history keeps. */
const POINTS = 2000

export function makeDiagnoseJob({ readHistory }: { readHistory: ReadHistory }): DiagnoseJob {
  return async (projectId, id) => {
    const { job, rows } = await readHistory(projectId, id, POINTS)
    return {
      object: 'training.diagnosis',
      job_id: job.id,
      job_status: job.status,
      epoch: rows.at(-1)?.epoch ?? 0,
      findings: diagnose({ job, epochs: rows }),
    }
  }
}
