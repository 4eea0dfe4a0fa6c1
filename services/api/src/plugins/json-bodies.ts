/**
 * Reads JSON bodies without trust: strict UTF-8, bounded depth and width, no names that reach a prototype, no text that Postgres
 * cannot hold. The hash of the raw bytes is kept for `Idempotency-Key`. Of two equal names the last one counts.
 *
 * One mebibyte can be made to take the parser a tenth of a second; what does is counted before it is parsed, and refused.
 * What is left is done in several turns of the event loop.
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
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

interface Limits {
  lists: number
  objects: number
  /** Names that no object had before after the same names: each is a new layout of objects to the parser. */
  layouts: number
}

/** Most lists are the rows of an inline table, most objects the records of a prediction. Each bound is 15 ms of parsing at most. */
const LOOP_LIMITS: Limits = { lists: 200_000, objects: 20_000, layouts: 20_000 }
/** Smaller bodies are done within one turn of the event loop. */
const TURN_BYTES = 64 * 1024

/** More faults than this help nobody. */
const FAULTS_MAX = 100

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
      return await parseInTurns(bytes)
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

/** For threads, which hold up nobody. */
export function parseJson(bytes: Buffer): unknown {
  assertShape(bytes, { lists: Infinity, objects: Infinity, layouts: Infinity })
  const { value, isSuspect } = parseText(bytes)
  if (isSuspect) assertHarmless(value)
  return value
}

async function parseInTurns(bytes: Buffer): Promise<unknown> {
  const turn = async () => (bytes.length > TURN_BYTES ? await nextTurn() : undefined)
  await turn()
  assertShape(bytes, LOOP_LIMITS)
  await turn()
  const { value, isSuspect } = parseText(bytes)
  await turn()
  if (isSuspect) assertHarmless(value)
  return value
}

function parseText(bytes: Buffer): { value: unknown; isSuspect: boolean } {
  const text = decode(bytes)
  try {
    // Both kinds of harm need an escape or a name in the text; most bodies have neither and are not walked.
    const isSuspect = text.includes('\\u') || text.includes('__proto__')
    return { value: JSON.parse(text), isSuspect }
  } catch (error) {
    throw malformed(`${(error as Error).message}.`)
  }
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
function assertShape(bytes: Buffer, limits: Limits): void {
  if (bytes.length === 0) throw malformed('The body is empty.')
  const open: Container[] = []
  // A small body has no room for so many, and most requests are small.
  const layouts = bytes.length > TURN_BYTES && limits.layouts < Infinity ? makeLayouts() : null
  let lists = 0
  let objects = 0
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
      const isArray = byte === 0x5b
      if (isArray) lists += 1
      else objects += 1
      if (lists > limits.lists) throw refused([], `must hold at most ${limits.lists} lists`)
      if (objects > limits.objects) throw refused([], `must hold at most ${limits.objects} objects`)
      open.push({ isArray, entries: 0, nameStart: 0, nameEnd: 0, layout: 0 })
    } else if (byte === 0x5d || byte === 0x7d) open.pop()
    else if (byte === COMMA || byte === COLON) {
      const container = open.at(-1)
      if (container === undefined || container.isArray !== (byte === COMMA)) continue
      container.entries += 1
      container.nameStart = stringStart
      container.nameEnd = stringEnd
      if (container.isArray) continue
      if (container.entries > FIELDS_MAX) throw tooManyFields(bytes, open)
      if (layouts === null) continue
      container.layout = hashName(container.layout, bytes, stringStart, stringEnd)
      if (layouts.add(container.layout) > limits.layouts) {
        throw refused(
          [],
          `must hold at most ${limits.layouts} different layouts of objects: give those of a list the same names in the same order, with null for what is missing`,
        )
      }
    }
  }
}

/** FNV-1a of a name in quotes, after those before it in its object; never 0. */
function hashName(before: number, bytes: Buffer, start: number, end: number): number {
  let hash = before ^ 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  return hash === 0 ? 1 : hash
}

const LAYOUT_SLOTS = 65_536

/** How many different numbers other than 0 were added; at most half as many as there are slots. */
function makeLayouts(): { add(layout: number): number } {
  const slots = new Int32Array(LAYOUT_SLOTS)
  let count = 0
  return {
    add(layout) {
      let slot = (layout ^ (layout >>> 16)) & (LAYOUT_SLOTS - 1)
      while (slots[slot] !== 0 && slots[slot] !== layout) slot = (slot + 1) & (LAYOUT_SLOTS - 1)
      if (slots[slot] === 0) count += 1
      slots[slot] = layout
      return count
    },
  }
}

interface Container {
  isArray: boolean
  /** Commas of an array, names of an object. */
  entries: number
  /** The last name of an object, in quotes. */
  nameStart: number
  nameEnd: number
  /** Hash of the names of an object so far. */
  layout: number
}

/** The pointer leads to the object, by the last name or index of each container around it. */
function tooManyFields(bytes: Buffer, open: readonly Container[]): DomainError {
  const path = open.slice(0, -1).map(({ isArray, entries, nameStart, nameEnd }) => {
    return isArray ? entries : String(JSON.parse(decode(bytes.subarray(nameStart, nameEnd))))
  })
  return refused(path, `must hold at most ${FIELDS_MAX} fields`)
}

function refused(path: readonly PropertyKey[], detail: string): DomainError {
  return new DomainError('validation_error', { errors: [{ pointer: toPointer(path), detail }] })
}

function assertHarmless(root: unknown): void {
  const errors: FieldError[] = []
  const path: PropertyKey[] = []
  const refuse = (place: readonly PropertyKey[], detail: string) =>
    errors.push({ pointer: toPointer(place), detail })
  const visitItem = (name: PropertyKey, item: unknown): void => {
    if (errors.length >= FAULTS_MAX) return
    path.push(name)
    visit(item)
    path.pop()
  }
  const visit = (value: unknown): void => {
    if (typeof value === 'string') {
      if (isUnstorable(value)) refuse(path, 'holds a NUL character or half of a surrogate pair')
    } else if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) visitItem(i, value[i])
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        if (name === '__proto__') refuse([...path, name], 'is not a known field')
        else if (isUnstorable(name)) refuse(path, 'has a name with a character that is not text')
        visitItem(name, item)
      }
    }
  }
  visit(root)
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
}

function isUnstorable(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed()
}
