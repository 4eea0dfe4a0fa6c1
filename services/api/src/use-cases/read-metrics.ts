import {
  type EpochMetrics,
  type Job,
  METRIC_NAMES,
  METRIC_POINTS_MAX,
  type MetricsList,
  type ProjectId,
} from '@trainyard/contracts'
import type { JobStore } from '@trainyard/domain'
import { findJob } from './find-job.ts'

/** Rows of a history that is kept as a file. */
export const METRIC_POINTS_OF_FILE = METRIC_POINTS_MAX

export interface History {
  job: Job
  rows: EpochMetrics[]
  totalEpochs: number
}

export type ReadHistory = (projectId: ProjectId, id: string, maxPoints: number) => Promise<History>

export function makeReadHistory({
  jobs,
}: {
  jobs: Pick<JobStore, 'find' | 'metrics'>
}): ReadHistory {
  return async (projectId, id, maxPoints) => {
    const job = await findJob(jobs, projectId, id)
    const bestEpoch = job.best?.epoch ?? null
    return { job, ...(await jobs.metrics(job.id, { maxPoints, bestEpoch })) }
  }
}

export function toMetricsList({ rows, totalEpochs }: History): MetricsList {
  return { object: 'list', data: rows, has_more: false, total_epochs: totalEpochs }
}

/** RFC 4180. Every cell is a number or empty, or `nan`, `inf`, `-inf`, so no spreadsheet can take one for a formula. */
export function toMetricsCsv({ rows }: History): string {
  const lines = rows.map((row) =>
    METRIC_NAMES.map((name) => row[name] ?? row.non_finite?.[name] ?? '').join(','),
  )
  return `${[METRIC_NAMES.join(','), ...lines].join('\r\n')}\r\n`
}
