import type { CheckpointStore, ClaimedJob } from '@trainyard/domain'
import { failpoint } from '@trainyard/lifecycle'
import type { WorkerDeps } from '../deps.ts'
import { readInitialWeights } from './read-initial-weights.ts'
import type { ResumePoint } from './thread-protocol.ts'
import { UnresumableError } from './training-threads.ts'

/** Everything that a thread needs of the stores. */
export async function readTask(
  { datasets, blobs, checkpoints }: Pick<WorkerDeps, 'datasets' | 'blobs' | 'checkpoints'>,
  job: ClaimedJob,
) {
  const { columns, target } = job.dataset
  const table = await datasets.load(job.dataset)
  const load = async (dataset: ClaimedJob['testDataset']) =>
    dataset === null ? null : await datasets.load(dataset)
  const validationTable = await load(job.validationDataset)
  const testTable = await load(job.testDataset)
  const initialWeights = await readInitialWeights(blobs, job.resolvedConfig)
  const resume = await readResume(checkpoints, job)
  failpoint('worker.prepared')
  return { table, columns, target, validationTable, testTable, initialWeights, resume }
}

/** Throws `UnresumableError` when the bytes are damaged or gone, or a fork has none to begin with. */
async function readResume(
  checkpoints: CheckpointStore,
  { id, checkpoint, isFork }: ClaimedJob,
): Promise<ResumePoint | null> {
  if (checkpoint === null) {
    if (isFork) throw new UnresumableError('there is none of this engine to begin with')
    return null
  }
  const bytes = await checkpoints.read(id, checkpoint.sha256)
  if (bytes === null) throw new UnresumableError('the stored checkpoint is damaged or gone')
  return { bytes, progress: checkpoint.progress, continues: isFork }
}
