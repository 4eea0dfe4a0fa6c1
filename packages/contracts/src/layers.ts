import { z } from 'zod'

export const histogramSchema = z
  .object({
    lower: z.number(),
    upper: z.number(),
    counts: z
      .array(z.int())
      .describe('30 equal bins from lower to upper; the first holds all where both are the same'),
  })
  .meta({ id: 'Histogram' })

/** Shares are between 0 and 1. */
export const layerStatisticsSchema = z
  .object({
    layer: z.int().describe('From 0 at the input; the last is the output layer'),
    gradient_norm: z.number().describe('L2, of all parameters, penalty included, before clipping'),
    weight_norm: z.number().describe('L2, of the weights without the bias'),
    update_ratio: z
      .number()
      .nullable()
      .describe('Length of the step over the length of the weights; null where all weights are 0'),
    activation_mean: z.number().describe('Over all units and observed rows, before dropout'),
    activation_std: z.number(),
    dead_share: z
      .number()
      .nullable()
      .describe('Units of relu, elu, selu and softplus that are flat on every observed row'),
    saturated_share: z
      .number()
      .nullable()
      .describe('Outputs of tanh, sigmoid and softsign on a flat end'),
    histograms: z
      .object({
        activations: histogramSchema,
        weights: histogramSchema,
        gradients: histogramSchema,
      })
      .nullable()
      .describe('Of few epochs, the first and the last among them'),
  })
  .meta({ id: 'LayerStatistics' })

export const epochLayersSchema = z
  .object({
    epoch: z.int().describe('0 is the network as it was initialised'),
    rows: z.int().describe('Training rows whose activations were observed'),
    layers: z.array(layerStatisticsSchema),
  })
  .meta({ id: 'EpochLayers' })
export type EpochLayers = z.infer<typeof epochLayersSchema>

export const layersListSchema = z.object({
  object: z.literal('list'),
  data: z.array(epochLayersSchema),
  has_more: z.literal(false),
})
