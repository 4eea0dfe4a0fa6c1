import { datasetParamsSchema, datasetProfileSchema } from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { ReadDatasetProfile } from '../../../use-cases/read-dataset-profile.ts'
import { problemResponses } from '../problem-responses.ts'

const schema = {
  tags: ['Data sets'],
  summary: 'Read what a data set is like, and what is wrong with it',
  params: datasetParamsSchema,
  response: { 200: datasetProfileSchema, ...problemResponses },
}

export function addReadDatasetProfile(
  app: App,
  { readDatasetProfile }: { readDatasetProfile: ReadDatasetProfile },
): void {
  app.get('/v1/datasets/:id/profile', { schema }, ({ principal, params }) =>
    readDatasetProfile(principal.projectId, params.id),
  )
}
