import { z } from 'zod'

/** 1 to 128 characters without control characters: what a person calls a job, a data set or a key. Stored as sent, escaped at output. */
export const nameSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters')

/** RFC 3339, UTC, milliseconds. */
export const timestampSchema = z.iso.datetime({ precision: 3 })
