import type { AugmentationPreview, JobSpec, ProjectId } from '@trainyard/contracts'
import type { Tables } from '@trainyard/datasets'
import type { DatasetStore } from '@trainyard/domain'
import type { DatasetFiles } from '../files/dataset-files.ts'
import type { TraceThread } from '../threads/trace-thread.ts'
import { findDataset } from './find-dataset.ts'
import type { QuoteJob } from './quote-job.ts'
import { assertReadable, budgetExceeded } from './read-budget.ts'

export type PreviewAugmentation = (
  projectId: ProjectId,
  spec: JobSpec,
  options: { rows: number; epoch: number },
) => Promise<AugmentationPreview>

/** Inputs of all rows together; the answer holds two numbers for each. */
const INPUTS_MAX = 100_000

/** Resolves a specification as a submission would, and shows what becomes of its rows; nothing is stored. */
export function makePreviewAugmentation(deps: {
  datasets: Pick<DatasetStore, 'find'>
  tables: Pick<Tables, 'readTable'>
  files: Pick<DatasetFiles, 'use'>
  quoteJob: QuoteJob
  thread: Pick<TraceThread, 'previewAugmentation'>
}): PreviewAugmentation {
  const { datasets, tables, files, quoteJob, thread } = deps
  return async (projectId, spec, { rows, epoch }) => {
    const quote = await quoteJob(projectId, spec)
    const dataset = await findDataset(datasets, projectId, quote.dataset_id)
    const { resolved_config: resolved } = quote
    assertReadable(dataset)
    const { inputs } = resolved.model
    if (rows * inputs > INPUTS_MAX) {
      const detail = `${rows} rows of ${inputs} inputs are too many; a preview shows at most ${INPUTS_MAX} inputs`
      throw budgetExceeded({ parameter: 'rows' }, detail)
    }
    const { columns, target } = dataset
    const answer = await thread.previewAugmentation(async () => {
      const table = await files.use(dataset, (path) => tables.readTable(path, columns))
      return { table, columns, target, resolved, rows, epoch }
    })
    return {
      object: 'augmentation_preview',
      dataset_id: dataset.id,
      resolved_config: resolved,
      epoch,
      ...answer,
    }
  }
}
