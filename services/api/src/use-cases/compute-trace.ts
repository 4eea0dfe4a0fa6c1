import type { ProjectId, Trace, TraceBody } from '@trainyard/contracts'
import type { JobStore } from '@trainyard/domain'
import type { TraceThread } from '../threads/trace-thread.ts'
import { findJob } from './find-job.ts'
import type { LoadModel } from './load-model.ts'
import { assertTraceable, fromNetwork, fromStored } from './trace-sources.ts'

export type ComputeTrace = (projectId: ProjectId, body: TraceBody) => Promise<Trace>

/** Of an expression, of a network that the caller wrote out, or of a job's. */
export function makeComputeTrace(deps: {
  jobs: Pick<JobStore, 'find'>
  loadModel: LoadModel
  thread: Pick<TraceThread, 'traceExpression' | 'traceNetwork'>
}): ComputeTrace {
  const { jobs, loadModel, thread } = deps
  return async (projectId, body) => {
    if ('expression' in body) return await thread.traceExpression(body)
    if ('network' in body) return await thread.traceNetwork(fromNetwork(body))
    const job = await findJob(jobs, projectId, body.job_id)
    assertTraceable(job.parameter_count, '#/job_id')
    const model = await loadModel(job, body.which ?? 'best')
    return await thread.traceNetwork(fromStored(body, job.resolved_config, model))
  }
}
