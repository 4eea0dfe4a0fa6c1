import { z } from 'zod'

/**
 * Public ids: a prefix that names the noun, then 26 characters of a UUIDv7 in Crockford's base 32, so that ids of
 * one noun sort by the time they were made. The alphabet has no i, l, o, u: ids survive being read aloud.
 */
export const ID_PREFIXES = {
  project: 'prj',
  apiKey: 'key',
  dataset: 'ds',
  job: 'job',
  model: 'mdl',
  checkpoint: 'ckpt',
  event: 'evt',
  sweep: 'swp',
  batchPrediction: 'bp',
} as const

export const projectIdSchema = z.string().brand<'ProjectId'>()
export const apiKeyIdSchema = z.string().brand<'ApiKeyId'>()
export const datasetIdSchema = z.string().brand<'DatasetId'>()
export const jobIdSchema = z.string().brand<'JobId'>()
export const modelIdSchema = z.string().brand<'ModelId'>()
export const checkpointIdSchema = z.string().brand<'CheckpointId'>()
export const eventIdSchema = z.string().brand<'EventId'>()
export const sweepIdSchema = z.string().brand<'SweepId'>()
export const batchPredictionIdSchema = z.string().brand<'BatchPredictionId'>()

export type ProjectId = z.infer<typeof projectIdSchema>
export type ApiKeyId = z.infer<typeof apiKeyIdSchema>
export type DatasetId = z.infer<typeof datasetIdSchema>
export type JobId = z.infer<typeof jobIdSchema>
export type ModelId = z.infer<typeof modelIdSchema>
export type CheckpointId = z.infer<typeof checkpointIdSchema>
export type EventId = z.infer<typeof eventIdSchema>
export type SweepId = z.infer<typeof sweepIdSchema>
export type BatchPredictionId = z.infer<typeof batchPredictionIdSchema>

interface IdOf {
  project: ProjectId
  apiKey: ApiKeyId
  dataset: DatasetId
  job: JobId
  model: ModelId
  checkpoint: CheckpointId
  event: EventId
  sweep: SweepId
  batchPrediction: BatchPredictionId
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const RANDOM_BYTES = 10

/** A new id of the noun, made of `nowMs` (48 bits) and 74 random bits, laid out as UUIDv7 (RFC 9562 §5.7). */
export function createId<Noun extends keyof IdOf>(
  noun: Noun,
  nowMs: number = Date.now(),
): IdOf[Noun] {
  const bytes = new Uint8Array(16)
  const random = globalThis.crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
  let milliseconds = nowMs
  for (let i = 5; i >= 0; i--) {
    bytes[i] = milliseconds % 256
    milliseconds = Math.floor(milliseconds / 256)
  }
  bytes.set(random, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return `${ID_PREFIXES[noun]}_${toBase32(bytes)}` as unknown as IdOf[Noun]
}

function toBase32(bytes: Uint8Array): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = ALPHABET.charAt(Number(value & 31n)) + text
    value >>= 5n
  }
  return text
}
