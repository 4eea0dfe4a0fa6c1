/**
 * Reads JSON bodies without trust: strict UTF-8, bounded depth and width, no names that reach a prototype, no text that Postgres
 * cannot hold. The hash of the raw bytes is kept for `Idempotency-Key`. Of two equal names the last one counts.
 */
import { createHash } from 'node:crypto'
import { DATASET_COLUMNS_MAX, type FieldError } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { toPointer } from './field-errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** SHA-256 of the raw body, hex; null before a body was read. */
    bodySha256: string | null
  }
  interface FastifyContextConfig {
    /** An empty body is no fault, whatever the media type says. */
    bodyOptional?: boolean
  }
}

export const JSON_BYTES_MAX = 1024 * 1024
/** The deepest body of the contract has 8 levels. */
const DEPTH_MAX = 32

/** One for each column of the widest table. */
const FIELDS_MAX = DATASET_COLUMNS_MAX

const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const decoder = new TextDecoder('utf-8', { fatal: true })

export function addJsonBodies(app: App): void {
  app.decorateRequest('bodySha256', null)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: JSON_BYTES_MAX },
    async (request: FastifyRequest, bytes: Buffer) => {
      request.bodySha256 = createHash('sha256').update(bytes).digest('hex')
      if (bytes.length === 0 && !needsBody(request)) return undefined
      return parseJson(bytes)
    },
  )
  app.addHook('onRequest', async (request) => {
    const encoding = request.headers['content-encoding']
    if (encoding === undefined || encoding.toLowerCase() === 'identity') return
    throw new DomainError('unsupported_media_type', {
      detail: `Bodies must not be compressed; send it without Content-Encoding: ${encoding.slice(0, 40)}.`,
    })
  })
}

/** Many clients name a media type even where they send nothing. */
function needsBody({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.schema?.body !== undefined && routeOptions.config.bodyOptional !== true
}

export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty.')
  assertShape(bytes)
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed(`${(error as Error).message}.`)
  }
  // Both kinds of harm need an escape or a name in the text; most bodies have neither and are not walked.
  if (text.includes('\\u') || text.includes('__proto__')) assertHarmless(value)
  return value
}

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw malformed('The body is not valid UTF-8.')
  }
}

function malformed(detail: string): DomainError {
  return new DomainError('malformed_json', { detail })
}

/**
 * Counts brackets and names outside strings before anything is parsed: a bomb costs one pass and no memory. A name of its
 * own for each of a hundred thousand fields takes the parser, and whoever checks them, a tenth of a second.
 */
function assertShape(bytes: Buffer): void {
  const open: Container[] = []
  let inString = false
  let stringStart = 0
  let stringEnd = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === BACKSLASH) i += 1
      else if (byte === QUOTE) {
        inString = false
        stringEnd = i + 1
      }
      continue
    }
    if (byte === QUOTE) {
      inString = true
      stringStart = i
    } else if (byte === 0x5b || byte === 0x7b) {
      if (open.length === DEPTH_MAX) {
        throw malformed(`The body is nested more than ${DEPTH_MAX} levels deep.`)
      }
      open.push({ isArray: byte === 0x5b, entries: 0, nameStart: 0, nameEnd: 0 })
    } else if (byte === 0x5d || byte === 0x7d) open.pop()
    else if (byte === COMMA || byte === COLON) {
      const container = open.at(-1)
      if (container === undefined || container.isArray !== (byte === COMMA)) continue
      container.entries += 1
      container.nameStart = stringStart
      container.nameEnd = stringEnd
      if (!container.isArray && container.entries > FIELDS_MAX) throw tooManyFields(bytes, open)
    }
  }
}

interface Container {
  isArray: boolean
  /** Commas of an array, names of an object. */
  entries: number
  /** The last name of an object, in quotes. */
  nameStart: number
  nameEnd: number
}

/** The pointer leads to the object, by the last name or index of each container around it. */
function tooManyFields(bytes: Buffer, open: readonly Container[]): DomainError {
  const path = open.slice(0, -1).map(({ isArray, entries, nameStart, nameEnd }) => {
    return isArray ? entries : String(JSON.parse(decode(bytes.subarray(nameStart, nameEnd))))
  })
  const detail = `must hold at most ${FIELDS_MAX} fields`
  return new DomainError('validation_error', { errors: [{ pointer: toPointer(path), detail }] })
}

function assertHarmless(root: unknown): void {
  const errors: FieldError[] = []
  const refuse = (path: readonly PropertyKey[], detail: string) =>
    errors.push({ pointer: toPointer(path), detail })
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string' && isUnstorable(value)) {
      refuse(path, 'holds a NUL character or half of a surrogate pair')
    }
    if (typeof value !== 'object' || value === null) return
    for (const [name, item] of Object.entries(value)) {
      if (name === '__proto__') refuse([...path, name], 'is not a known field')
      else if (isUnstorable(name)) refuse(path, 'has a name with a character that is not text')
      visit(item, [...path, name])
    }
  }
  visit(root, [])
  if (errors.length > 0) throw new DomainError('validation_error', { errors: errors.slice(0, 100) })
}

function isUnstorable(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed()
}
