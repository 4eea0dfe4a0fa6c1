/** Reads the body of an import away from the event loop: a quarter of a gibibyte of JSON takes seconds. */
import { createHash } from 'node:crypto'
import {
  createModelBodySchema,
  type EnsembleBody,
  type FieldError,
  importFileQuerySchema,
  type ModelSource,
  type RegisterModelBody,
} from '@trainyard/contracts'
import { DomainError, type DomainErrorDetails } from '@trainyard/domain'
import { InvalidFileError, readWeightsFile, takeLayers } from '@trainyard/formats'
import { describeFile, type ImportedWeights, importWeights, joinNetworks } from '@trainyard/model'
import { toFieldErrors } from '../plugins/field-errors.ts'
import { parseJson } from '../plugins/json-bodies.ts'

/** More faults than this help nobody. */
const FAULTS_MAX = 100

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

/** A body, and the query of one that is a file; null where it is JSON. */
export interface ImportTask {
  body: Uint8Array
  file: unknown
}

export default function readImport({ body, file }: ImportTask): ImportResult {
  try {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const wish = file === null ? toWish(bytes) : fromFile(bytes, file)
    return { kind: 'read', bodySha256: hash(body), wish }
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

/** Weights of a file whose query says the name and, where the file does not, the architecture. */
function fromFile(bytes: Uint8Array, query: unknown): ModelWish {
  const parsed = importFileQuerySchema.safeParse(query)
  if (!parsed.success) {
    throw refused(toFieldErrors(parsed.error.issues, query, 'query'))
  }
  const { name, architecture } = parsed.data
  if (name === undefined) throw refused([{ parameter: 'name', detail: 'is required with a file' }])
  const file = readFile(bytes)
  const described = describeFile(file, parseArchitecture(architecture))
  if (described.errors.length > 0) throw refused(described.errors)
  const { networks } = described
  const { layers, errors } = takeLayers(
    file,
    networks.map((network) => network.architecture),
  )
  if (errors.length > 0) throw refused(errors)
  const read = networks.map((network, i) => ({ network, layers: layers[i] ?? [], errors: [] }))
  const outcome = joinNetworks(read, '#')
  if (outcome.kind === 'refused') throw refused(outcome.errors)
  const { weights } = outcome
  return {
    kind: 'import',
    name,
    format: file.format,
    weights: { ...weights, sha256: hash(weights.bytes) },
  }
}

function readFile(bytes: Uint8Array) {
  try {
    return readWeightsFile(bytes)
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error
    throw refused([{ pointer: '#', detail: error.message }])
  }
}

function parseArchitecture(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw refused([{ parameter: 'architecture', detail: 'must be JSON' }])
  }
}

function refused(errors: FieldError[]): DomainError {
  return new DomainError('validation_error', { errors: errors.slice(0, FAULTS_MAX) })
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
