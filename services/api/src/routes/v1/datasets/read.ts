import { datasetParamsSchema, datasetSchema, ingestingDatasetSchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { ReadDataset } from '../../../use-cases/read-dataset.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Read a data set, or how far its upload is',
  params: datasetParamsSchema,
  response: { 200: z.union([datasetSchema, ingestingDatasetSchema]), ...problemResponses },
}

export function addReadDataset(app: App, { readDataset }: { readDataset: ReadDataset }): void {
  app.get('/v1/datasets/:id', { schema }, ({ principal, params }) =>
    readDataset(principal.projectId, params.id),
  )
}
