import { datasetParamsSchema, datasetSchema } from '@trainyard/contracts'
import type { DatasetStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { findDataset } from '../../../use-cases/find-dataset.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Read a data set',
  params: datasetParamsSchema,
  response: { 200: datasetSchema, ...problemResponses },
}

export function addReadDataset(
  app: App,
  { datasets }: { datasets: Pick<DatasetStore, 'find'> },
): void {
  app.get('/v1/datasets/:id', { schema }, ({ principal, params }) =>
    findDataset(datasets, principal.projectId, params.id),
  )
}
