import { z } from 'zod'
import { jobIdSchema } from './ids.ts'
import { jobStatusSchema } from './job.ts'

export const FINDING_CODES = ['not_linearly_separable'] as const

/** What a rule measured against which bound, and where. */
export const evidenceSchema = z.object({
  epoch: z.int(),
  metric: z.string(),
  value: z.number(),
  /** What `value` would have to reach, or not to pass, for the finding to go. */
  threshold: z.number(),
  /** Index of the layer, where the finding is about one. */
  layer: z.int().nullable(),
})

export const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(['info', 'warn', 'error']),
  /** The verdict in a line. */
  message: z.string(),
  /** How the verdict follows from the history, and how sure it is. */
  explanation: z.string(),
  evidence: z.array(evidenceSchema).min(1),
  remedy: z.string(),
  /** A JSON merge patch (RFC 7396) of the job's `config`: with it the job is valid and does what the remedy says. */
  suggested_patch: z.record(z.string(), z.unknown()).nullable(),
})
export type Finding = z.infer<typeof findingSchema>

export const diagnosisSchema = z
  .object({
    object: z.literal('training.diagnosis'),
    job_id: jobIdSchema,
    /** Of a job that still runs the findings are those of its epochs so far. */
    job_status: jobStatusSchema,
    epoch: z.int(),
    findings: z.array(findingSchema),
  })
  .meta({ id: 'Diagnosis' })
export type Diagnosis = z.infer<typeof diagnosisSchema>
