import { z } from 'zod'

export const envSchema = z
  .object({
    NODE_ENV: z.string().optional(),
    DATABASE_URL: z.url(),
    /** Without it the queue and the pulse live in Postgres. */
    REDIS_URL: z.url().optional(),
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
    /** Keys the hashes of API keys: without it a copy of the database opens nothing. */
    TRAINYARD_KEY_PEPPER: z.string().regex(/^[0-9a-f]{64}$/i, 'must be 32 bytes in hexadecimal'),
    TRAINYARD_AUTH: z.enum(['on', 'off']).default('on'),
    /** Uploads, spilled tables and cached data sets; may be emptied between starts. */
    TRAINYARD_SCRATCH_DIR: z.string().min(1),
    /** Blobs as files in this folder, which all services share; without it they are rows in Postgres. */
    TRAINYARD_BLOB_DIR: z.string().min(1).optional(),
    /** Blobs as objects of an S3-compatible bucket: https://key:secret@host/bucket/prefix?region=…; instead of the folder. */
    TRAINYARD_S3_URL: z.url({ protocol: /^https?$/ }).optional(),
    TRAINYARD_JOB_MEMORY_MB: z.coerce.number().int().min(1).default(2048),
    TRAINYARD_LOG_LEVEL: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
    TRAINYARD_DRAIN_SECONDS: z.coerce.number().positive().default(4),
    /** The commit this was built from, for the metrics page. */
    TRAINYARD_COMMIT: z.string().default('unknown'),
  })
  .refine((env) => env.TRAINYARD_AUTH === 'on' || env.NODE_ENV !== 'production', {
    path: ['TRAINYARD_AUTH'],
    error: 'must not be off when NODE_ENV is production',
  })

export type Env = z.infer<typeof envSchema>
