/** A stored model as a file that other tools read. */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ExportFormat, ExportQuery, FieldError, PredictionItem } from '@trainyard/contracts'
import { DataError } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import {
  type BundleDocument,
  type ModelFile,
  type ServedModel,
  UnsupportedExportError,
  writeModel,
} from '@trainyard/formats'
import {
  createModelPredictor,
  describeSignature,
  makeExampleRecords,
  type Predictor,
  type StoredNetwork,
  unpackNetworks,
} from '@trainyard/model'

export interface ExportSource {
  /** Equal keys mean equal files of the same format and options. */
  key: string
  /** What files are called, without an ending. */
  name: string
  networks: readonly StoredNetwork[]
  facts: Readonly<Record<string, string>>
  readBytes: () => Promise<Uint8Array>
  /** What a bundle holds beside the files. */
  readDocuments: () => Promise<BundleDocument[]>
}

export interface ExportedFile {
  fileName: string
  mediaType: string
  bytes: number
  /** Hex, of the whole file. */
  sha256: string
  /** Reads the weights, unless they were read to measure the file. */
  open: () => Promise<Iterable<Uint8Array | string>>
}

export type ExportModel = (source: ExportSource, query: ExportQuery) => Promise<ExportedFile>

/** Files whose length and hash are remembered: some hundred bytes each. */
const MEASURES_MAX = 1000

/** Records with their answers that go with a file. */
const VECTORS = 8
const VECTOR_FORMATS: readonly ExportFormat[] = ['onnx', 'bundle']

/** Options that mean something for one format only. */
const OPTION_FORMATS = {
  naming: 'safetensors',
  inputs: 'onnx',
  fold_batch_norm: 'onnx',
} as const

export function makeExportModel(): ExportModel {
  /** Least recently used first. The same file is asked for by HEAD, in parts, and again. */
  const measures = new Map<string, Measure>()

  return async (source, { format, ...options }) => {
    assertMeaningful({ format, ...options })
    const documents = format === 'bundle' ? await source.readDocuments() : []
    const make = async () => {
      const served = await toServed(source, await source.readBytes(), format)
      return write(served, { format, ...options, documents })
    }
    const key = JSON.stringify([source.key, format, options, hashOf(documents)])
    let file: ModelFile | null = null
    let measure = measures.get(key)
    if (measure === undefined) {
      file = await make()
      measure = await measureFile(file)
    }
    measures.delete(key)
    measures.set(key, measure)
    if (measures.size > MEASURES_MAX) measures.delete(measures.keys().next().value ?? '')
    const { extension, ...facts } = measure
    return {
      fileName: `${source.name}${extension}`,
      ...facts,
      open: async () => (file ?? (await make())).chunks,
    }
  }
}

/** What is said of a file before its first byte. */
interface Measure extends Pick<ModelFile, 'mediaType' | 'extension'> {
  bytes: number
  sha256: string
}

function assertMeaningful({ format, ...options }: ExportQuery): void {
  const errors = Object.entries(OPTION_FORMATS).flatMap(([parameter, only]): FieldError[] =>
    options[parameter as keyof typeof options] === undefined || format === only
      ? []
      : [{ parameter, detail: `means something for the format ${only}, not for ${format}` }],
  )
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
}

async function toServed(
  { networks, facts }: ExportSource,
  bytes: Uint8Array,
  format: ExportFormat,
): Promise<ServedModel> {
  const unpacked = unpackNetworks(networks, bytes)
  const vectors = VECTOR_FORMATS.includes(format) ? await makeVectors(networks, unpacked) : []
  return { networks: unpacked, facts, vectors }
}

/** The same records for the same model, and what it answers. */
async function makeVectors(
  networks: readonly StoredNetwork[],
  unpacked: ServedModel['networks'],
): Promise<ServedModel['vectors']> {
  const [first] = unpacked
  if (first === undefined) throw new Error('a model has at least one network')
  const signature = describeSignature(networks.map((network) => ({ ...network, columns: null })))
  const predictor = createModelPredictor(unpacked)
  const vectors: ServedModel['vectors'][number][] = []
  for (const record of makeExampleRecords(signature, first.preprocessing, VECTORS)) {
    const prediction = answer(predictor, record)
    if (prediction !== null) vectors.push({ record, prediction })
    await nextTurn()
  }
  return vectors
}

/** null where a member refuses what the others take, such as a category that it has not seen. */
function answer(
  predictor: Predictor,
  record: ServedModel['vectors'][number]['record'],
): PredictionItem | null {
  try {
    return predictor.predict({ records: [record] })[0] ?? null
  } catch (error) {
    if (error instanceof DataError) return null
    throw error
  }
}

function write(
  model: ServedModel,
  { format, ...options }: ExportQuery & { documents: readonly BundleDocument[] },
): ModelFile {
  try {
    return writeModel(model, format, options)
  } catch (error) {
    if (!(error instanceof UnsupportedExportError)) throw error
    throw new DomainError('export_unsupported', { detail: error.message })
  }
}

function hashOf(documents: readonly BundleDocument[]): string {
  return createHash('sha256').update(JSON.stringify(documents)).digest('hex')
}

/** Runs through the file once, and lets others have their turn between its pieces. */
async function measureFile({ chunks, mediaType, extension }: ModelFile): Promise<Measure> {
  const hash = createHash('sha256')
  let bytes = 0
  for (const chunk of chunks) {
    hash.update(chunk)
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length
    await nextTurn()
  }
  return { mediaType, extension, bytes, sha256: hash.digest('hex') }
}
