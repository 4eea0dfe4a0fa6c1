import type {
  Dataset,
  GradientCheck,
  JobQuote,
  JobSpec,
  ProjectId,
  ResolvedConfig,
} from '@trainyard/contracts'
import type { Tables } from '@trainyard/datasets'
import { type BlobStore, type DatasetStore, DomainError, type ModelStore } from '@trainyard/domain'
import type { DatasetFiles } from '../files/dataset-files.ts'
import type { TraceThread } from '../threads/trace-thread.ts'
import { findDataset } from './find-dataset.ts'
import { findModelVersion } from './find-model.ts'
import { readShared } from './load-model.ts'
import type { QuoteJob } from './quote-job.ts'

export type CheckGradient = (
  projectId: ProjectId,
  spec: JobSpec,
  options: { rows: number },
) => Promise<GradientCheck>

/** A second of one thread. */
const FLOPS_MAX = 200_000_000
/** Cells of the data set: it is read and prepared as for training. */
const CELLS_MAX = 4_000_000
/** Central differences of fourth order look at four points. */
const PASSES_PER_ENTRY = 4

/** Resolves a specification as a submission would, and checks the gradient of its first step; nothing is stored. */
export function makeCheckGradient(deps: {
  datasets: Pick<DatasetStore, 'find'>
  models: Pick<ModelStore, 'findVersion'>
  blobs: Pick<BlobStore, 'read'>
  tables: Pick<Tables, 'readTable'>
  files: Pick<DatasetFiles, 'use'>
  quoteJob: QuoteJob
  thread: Pick<TraceThread, 'checkGradient'>
}): CheckGradient {
  const { datasets, models, blobs, tables, files, quoteJob, thread } = deps
  return async (projectId, spec, { rows }) => {
    const quote = await quoteJob(projectId, spec)
    const dataset = await findDataset(datasets, projectId, quote.dataset_id)
    const { resolved_config: resolved } = quote
    const entriesPerTensorMax = entriesWithin(quote, rows)
    assertReadable(dataset)
    const { columns, target } = dataset
    const answer = await thread.checkGradient(async () => {
      const table = await files.use(dataset, (path) => tables.readTable(path, columns))
      const initialWeights = await readInitialWeights(projectId, resolved)
      return { table, columns, target, resolved, initialWeights, rows, entriesPerTensorMax }
    })
    return {
      object: 'gradient_check',
      dataset_id: dataset.id,
      resolved_config: resolved,
      ...answer,
    }
  }

  async function readInitialWeights(
    projectId: ProjectId,
    { initial_weights: start }: ResolvedConfig,
  ): Promise<Uint8Array | null> {
    if (start === null) return null
    const version = await findModelVersion(models, projectId, start.model, start.version)
    return await readShared(blobs, version.sha256, version.bytes)
  }
}

/** Entries of every tensor that fit into the work of one request. Throws `budget_exceeded` if not one does. */
function entriesWithin({ resolved_config, parameter_count }: JobQuote, rows: number): number {
  const { hidden } = resolved_config.model
  const tensors = hidden.reduce((sum, { batch_norm }) => sum + (batch_norm ? 3 : 2), 2)
  const flopsPerEntry = PASSES_PER_ENTRY * 2 * parameter_count * rows
  const entries = Math.floor(FLOPS_MAX / (flopsPerEntry * tensors))
  if (entries >= 1) return entries
  const detail = `${parameter_count} parameters in ${tensors} tensors with ${rows} rows are too many for a gradient check; a narrower network with the same layers tells the same`
  throw budgetExceeded('#/model/hidden', detail)
}

function assertReadable({ rows, columns }: Dataset): void {
  const cells = rows * columns.length
  if (cells <= CELLS_MAX) return
  const detail = `has ${cells} cells; a gradient check reads at most ${CELLS_MAX}`
  throw budgetExceeded('#/dataset_id', detail)
}

function budgetExceeded(pointer: string, detail: string): DomainError {
  return new DomainError('budget_exceeded', { detail, errors: [{ pointer, detail }] })
}
