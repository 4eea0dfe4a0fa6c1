import { z } from 'zod'
import { datasetIdSchema } from './ids.ts'
import { EPOCHS_MAX } from './job-spec.ts'
import { resolvedConfigSchema } from './resolved-config.ts'
import { nonFiniteSchema } from './trace.ts'

export const PREVIEW_ROWS_MAX = 32

/** The body is that of `POST /v1/jobs`. */
export const augmentationPreviewQuerySchema = z.strictObject({
  /** The first so many training rows. Default 8. */
  rows: z.coerce.number().int().min(1).max(PREVIEW_ROWS_MAX).optional(),
  /** Default 1. */
  epoch: z.coerce.number().int().min(1).max(EPOCHS_MAX).optional(),
})

const inputsSchema = z.array(z.number().nullable())

export const augmentationPreviewSchema = z
  .object({
    object: z.literal('augmentation_preview'),
    dataset_id: datasetIdSchema,
    resolved_config: resolvedConfigSchema,
    epoch: z.int(),
    rows: z.array(
      z.object({
        /** In the data set, from 0. */
        row: z.int(),
        /** The inputs of the network, as the preprocessing encodes them. */
        original: inputsSchema,
        /** What the network trains on in that epoch, bit for bit. */
        augmented: inputsSchema,
        /** By mixup: the other row and its share, of the inputs and of the loss. */
        mixed_with: z.object({ row: z.int(), share: z.number() }).nullable(),
      }),
    ),
    non_finite: nonFiniteSchema,
  })
  .meta({ id: 'AugmentationPreview' })
export type AugmentationPreview = z.infer<typeof augmentationPreviewSchema>
