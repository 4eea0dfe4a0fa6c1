import {
  datasetSchema,
  ingestingDatasetSchema,
  listDatasetsQuerySchema,
  listSchema,
} from '@trainyard/contracts'
import type { DatasetStore, IngestStore } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'List data sets, or uploads under way, newest first',
  querystring: listDatasetsQuerySchema,
  response: {
    200: z.union([listSchema(datasetSchema), listSchema(ingestingDatasetSchema)]),
    ...problemResponses,
  },
}

export function addListDatasets(
  app: App,
  {
    datasets,
    ingests,
  }: { datasets: Pick<DatasetStore, 'list'>; ingests: Pick<IngestStore, 'list'> },
): void {
  app.get('/v1/datasets', { schema }, async ({ principal, query }) => {
    if (query.status === 'ready') return await datasets.list(principal.projectId, query)
    const data = await ingests.list(principal.projectId)
    const [first_id, last_id] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
    return { object: 'list', data, first_id, last_id, has_more: false } as const
  })
}
