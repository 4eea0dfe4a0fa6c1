/** Reads the body of an import away from the event loop: a quarter of a gibibyte of JSON takes seconds. */
import { createHash } from 'node:crypto'
import {
  createModelBodySchema,
  type EnsembleBody,
  type ModelSource,
  type RegisterModelBody,
} from '@trainyard/contracts'
import { DomainError, type DomainErrorDetails } from '@trainyard/domain'
import { type ImportedWeights, importWeights } from '@trainyard/model'
import { toFieldErrors } from '../plugins/field-errors.ts'
import { parseJson } from '../plugins/json-bodies.ts'

/** Errors lose their class on the way between threads. */
export type ImportResult =
  | { kind: 'read'; bodySha256: string; wish: ModelWish }
  | { kind: 'refused'; code: DomainError['code']; details: DomainErrorDetails }

/** What a body asks for: weights under a name, those of a job, or several as one. */
export type ModelWish =
  | {
      kind: 'import'
      name: string
      format: Extract<ModelSource, { type: 'import' }>['format']
      weights: ImportedWeights & { sha256: string }
    }
  | { kind: 'register'; body: RegisterModelBody }
  | { kind: 'ensemble'; body: EnsembleBody }

export default function readImport(body: Uint8Array): ImportResult {
  try {
    return { kind: 'read', bodySha256: hash(body), wish: toWish(Buffer.from(body)) }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { kind: 'refused', code: error.code, details: error.details }
  }
}

function toWish(bytes: Buffer): ModelWish {
  const input = parseJson(bytes)
  const parsed = createModelBodySchema.safeParse(input)
  if (!parsed.success) {
    throw new DomainError('validation_error', {
      errors: toFieldErrors(parsed.error.issues, input, 'body'),
    })
  }
  const body = parsed.data
  if ('job_id' in body) return { kind: 'register', body }
  if ('members' in body) return { kind: 'ensemble', body }
  const outcome = importWeights(body)
  if (outcome.kind === 'refused') {
    throw new DomainError('validation_error', { errors: outcome.errors })
  }
  const { weights } = outcome
  return {
    kind: 'import',
    name: body.name,
    format: 'json',
    weights: { ...weights, sha256: hash(weights.bytes) },
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
