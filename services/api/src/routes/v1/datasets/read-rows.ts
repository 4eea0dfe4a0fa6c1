import {
  datasetParamsSchema,
  datasetRowsQuerySchema,
  datasetRowsSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadDatasetRows } from '../../../use-cases/read-dataset-rows.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Preview rows of a data set',
  params: datasetParamsSchema,
  querystring: datasetRowsQuerySchema,
  response: { 200: datasetRowsSchema, ...problemResponses },
}

export function addReadDatasetRows(
  app: App,
  { readDatasetRows }: { readDatasetRows: ReadDatasetRows },
): void {
  app.get('/v1/datasets/:id/rows', { schema }, ({ principal, params, query }) =>
    readDatasetRows(principal.projectId, params.id, query),
  )
}
