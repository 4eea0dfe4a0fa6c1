import {
  augmentationPreviewQuerySchema,
  augmentationPreviewSchema,
  jobSpecSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { PreviewAugmentation } from '../../../use-cases/preview-augmentation.ts'
import { problemResponses } from '../problem-responses.ts'

const ROWS_DEFAULT = 8

const schema = {
  tags: ['Mathematics'],
  summary: 'Show training rows as augmentation changes them in an epoch',
  description:
    'The body is that of POST /v1/jobs. Nothing is stored: the job is resolved and its data prepared as for training, and its first training rows are shown before and after augmentation. A job with the same specification and seed trains on exactly these.',
  querystring: augmentationPreviewQuerySchema,
  body: jobSpecSchema,
  response: { 200: augmentationPreviewSchema, ...problemResponses },
}

export function addPreviewAugmentation(
  app: App,
  { previewAugmentation }: { previewAugmentation: PreviewAugmentation },
): void {
  app.post('/v1/augmentation_preview', { schema }, ({ principal, body, query }) =>
    previewAugmentation(principal.projectId, body, {
      rows: query.rows ?? ROWS_DEFAULT,
      epoch: query.epoch ?? 1,
    }),
  )
}
