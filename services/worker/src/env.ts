import { availableParallelism, totalmem } from 'node:os'
import { z } from 'zod'

/** Of the container, where there is one. */
function memoryOfMachineMb(): number {
  // 0, or more than the machine has, where nothing constrains the process.
  const constrainedBytes = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return Math.floor(Math.min(totalmem(), constrainedBytes) / 1024 ** 2)
}

export const envSchema = z.object({
  DATABASE_URL: z.url(),
  REDIS_URL: z.url().optional(),
  TRAINYARD_BLOB_DIR: z.string().min(1).optional(),
  TRAINYARD_S3_URL: z.url({ protocol: /^https?$/ }).optional(),
  TRAINYARD_DRAIN_SECONDS: z.coerce.number().positive().default(8),
  TRAINYARD_LEASE_SECONDS: z.coerce.number().min(1).max(3600).default(9),
  TRAINYARD_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  TRAINYARD_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  TRAINYARD_METRICS_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  TRAINYARD_SCRATCH_DIR: z.string().default('.trainyard/scratch/worker'),
  TRAINYARD_WORKER_MEMORY_MB: z.coerce.number().int().min(1).default(memoryOfMachineMb),
  TRAINYARD_WORKER_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(() => availableParallelism()),
})
