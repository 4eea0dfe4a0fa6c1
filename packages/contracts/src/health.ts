import { z } from 'zod'

export const livenessSchema = z.object({ status: z.literal('ok') })

const componentSchema = z.enum(['ok', 'down'])
export const readinessSchema = z.object({
  status: z.enum(['ready', 'not_ready']),
  postgres: componentSchema,
  queue: componentSchema,
  version: z.string(),
})
export type Readiness = z.infer<typeof readinessSchema>
