import type { ProjectId, Trace, TraceBody } from '@trainyard/contracts'
import type { BlobStore, JobStore, ModelStore } from '@trainyard/domain'
import type { TraceThread } from '../threads/trace-thread.ts'
import { findJob } from './find-job.ts'
import { findNetworkVersion } from './find-model.ts'
import { type LoadModel, readShared } from './load-model.ts'
import { assertTraceable, fromModel, fromNetwork, fromStored } from './trace-sources.ts'

export type ComputeTrace = (projectId: ProjectId, body: TraceBody) => Promise<Trace>

/** Of an expression, of a network that the caller wrote out, of a job's or of a model's. */
export function makeComputeTrace(deps: {
  jobs: Pick<JobStore, 'find'>
  models: Pick<ModelStore, 'findVersion'>
  blobs: Pick<BlobStore, 'read'>
  loadModel: LoadModel
  thread: Pick<TraceThread, 'traceExpression' | 'traceNetwork'>
}): ComputeTrace {
  const { jobs, models, blobs, loadModel, thread } = deps
  return async (projectId, body) => {
    if ('expression' in body) return await thread.traceExpression(body)
    if ('network' in body) return await thread.traceNetwork(fromNetwork(body))
    if ('model' in body) {
      const version = await findNetworkVersion(models, projectId, body, '#/model')
      assertTraceable(version.parameter_count, '#/model')
      const bytes = await readShared(blobs, version.sha256, version.bytes)
      return await thread.traceNetwork(fromModel(body, version, bytes))
    }
    const job = await findJob(jobs, projectId, body.job_id)
    assertTraceable(job.parameter_count, '#/job_id')
    const model = await loadModel(job, body.which ?? 'best')
    return await thread.traceNetwork(fromStored(body, job.resolved_config, model))
  }
}
