/** A stored model as a file that other tools read. */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ExportQuery, FieldError } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import {
  type ModelFile,
  type ServedModel,
  UnsupportedExportError,
  writeModel,
} from '@trainyard/formats'
import { type StoredNetwork, unpackNetworks } from '@trainyard/model'

export interface ExportSource {
  /** Equal keys mean equal files of the same format and options. */
  key: string
  /** What files are called, without an ending. */
  name: string
  networks: readonly StoredNetwork[]
  facts: Readonly<Record<string, string>>
  readBytes: () => Promise<Uint8Array>
}

export interface ExportedFile {
  fileName: string
  mediaType: string
  bytes: number
  /** Hex, of the whole file. */
  sha256: string
  chunks: Iterable<Uint8Array | string>
}

export type ExportModel = (source: ExportSource, query: ExportQuery) => Promise<ExportedFile>

/** Files whose length and hash are remembered: some hundred bytes each. */
const MEASURES_MAX = 1000

/** Options that mean something for one format only. */
const OPTION_FORMATS = { naming: 'safetensors' } as const

export function makeExportModel(): ExportModel {
  /** Least recently used first. The same file is asked for by HEAD, in parts, and again. */
  const measures = new Map<string, { bytes: number; sha256: string }>()

  return async (source, { format, ...options }) => {
    assertMeaningful({ format, ...options })
    const bytes = await source.readBytes()
    const file = write(toServed(source, bytes), { format, ...options })
    const key = JSON.stringify([source.key, format, options])
    const measure = measures.get(key) ?? (await measureFile(file))
    measures.delete(key)
    measures.set(key, measure)
    if (measures.size > MEASURES_MAX) measures.delete(measures.keys().next().value ?? '')
    const { mediaType, extension, chunks } = file
    return { fileName: `${source.name}${extension}`, mediaType, chunks, ...measure }
  }
}

function assertMeaningful({ format, ...options }: ExportQuery): void {
  const errors = Object.entries(OPTION_FORMATS).flatMap(([parameter, only]): FieldError[] =>
    options[parameter as keyof typeof options] === undefined || format === only
      ? []
      : [{ parameter, detail: `means something for the format ${only}, not for ${format}` }],
  )
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
}

function toServed({ networks, facts }: ExportSource, bytes: Uint8Array): ServedModel {
  const unpacked = unpackNetworks(networks, bytes)
  return { networks: unpacked, facts }
}

function write(model: ServedModel, { format, ...options }: ExportQuery): ModelFile {
  try {
    return writeModel(model, format, options)
  } catch (error) {
    if (!(error instanceof UnsupportedExportError)) throw error
    throw new DomainError('export_unsupported', { detail: error.message })
  }
}

/** Runs through the file once, and lets others have their turn between its pieces. */
async function measureFile({ chunks }: ModelFile): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for (const chunk of chunks) {
    hash.update(chunk)
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length
    await nextTurn()
  }
  return { bytes, sha256: hash.digest('hex') }
}
