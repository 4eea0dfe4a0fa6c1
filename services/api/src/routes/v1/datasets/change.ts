import { changeDatasetBodySchema, datasetParamsSchema, datasetSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ChangeDataset } from '../../../use-cases/change-dataset.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Change types, roles, target or name before the first job',
  description:
    'Types are applied to the stored table, and profile and warnings are made anew. 409 dataset_immutable once a job was submitted.',
  params: datasetParamsSchema,
  body: changeDatasetBodySchema,
  response: { 200: datasetSchema, ...problemResponses },
}

export function addChangeDataset(
  app: App,
  { changeDataset }: { changeDataset: ChangeDataset },
): void {
  app.patch('/v1/datasets/:id', { schema }, ({ principal, params, body }) =>
    changeDataset(principal.projectId, params.id, body),
  )
}
