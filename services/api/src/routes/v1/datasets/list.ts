import { datasetSchema, listQuerySchema, listSchema } from '@trainyard/contracts'
import type { DatasetStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'List data sets, newest first',
  querystring: listQuerySchema,
  response: { 200: listSchema(datasetSchema), ...problemResponses },
}

export function addListDatasets(
  app: App,
  { datasets }: { datasets: Pick<DatasetStore, 'list'> },
): void {
  app.get('/v1/datasets', { schema }, ({ principal, query }) =>
    datasets.list(principal.projectId, query),
  )
}
