import { z } from 'zod'

export const envSchema = z.object({
  DATABASE_URL: z.url(),
  REDIS_URL: z.url().optional(),
  TRAINYARD_BLOB_DIR: z.string().min(1).optional(),
  TRAINYARD_CHECKPOINT_DAYS: z.coerce.number().int().min(0).max(36_500).default(30),
  TRAINYARD_S3_URL: z.url({ protocol: /^https?$/ }).optional(),
  TRAINYARD_DRAIN_SECONDS: z.coerce.number().positive().default(4),
  TRAINYARD_JOB_MEMORY_MB: z.coerce.number().int().min(1).default(2048),
  TRAINYARD_LEASE_SECONDS: z.coerce.number().min(1).max(3600).default(9),
  TRAINYARD_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
})
