/** The file of a request, and that of its labels, lie in a folder while they are read, and are gone afterwards. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { DomainError } from '@trainyard/domain'
import { readBody } from './read-body.ts'
import { boundaryOf, type Part, readMultipart } from './read-multipart.ts'
import { receiveUpload, type Upload } from './receive-upload.ts'

export interface ReceivedFiles {
  path: string
  labelsPath: string | undefined
  /** As the client calls it; null in a body that is nothing but the file. */
  fileName: string | null
  /** Of the files as they came, hex. */
  sha256: string
}

/** Runs `work` on what a body holds, which is removed afterwards. */
export type WithFiles = <Result>(
  body: Readable,
  contentType: string,
  onReceived: (bytes: number) => void,
  work: (files: ReceivedFiles) => Promise<Result>,
) => Promise<Result>

const PART_NAMES = ['file', 'labels'] as const
type PartName = (typeof PART_NAMES)[number]

export function makeWithFiles(folder: string): WithFiles {
  return async (body, contentType, onReceived, work) => {
    const chunks = readBody(body)
    await mkdir(folder, { recursive: true })
    const paths: string[] = []
    const freshPath = (): string => {
      const path = join(folder, randomUUID())
      paths.push(path)
      return path
    }
    try {
      const isMultipart = /^multipart\/form-data\b/i.test(contentType)
      const files = isMultipart
        ? await receiveParts(readMultipart(chunks, boundaryOf(contentType)), freshPath, onReceived)
        : await receiveBody(chunks, freshPath(), onReceived)
      return await work(files)
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })))
    }
  }
}

async function receiveBody(
  body: AsyncIterable<Buffer>,
  path: string,
  onReceived: (bytes: number) => void,
): Promise<ReceivedFiles> {
  const { sha256 } = await receiveUpload(body, path, { onReceived })
  return { path, sha256, labelsPath: undefined, fileName: null }
}

async function receiveParts(
  parts: AsyncIterable<Part>,
  freshPath: () => string,
  onReceived: (bytes: number) => void,
): Promise<ReceivedFiles> {
  const uploads = new Map<PartName, Upload>()
  let fileName: string | null = null
  for await (const part of parts) {
    const name = assertPart(part, uploads)
    uploads.set(name, await receiveUpload(part.body, freshPath(), { onReceived }))
    if (name === 'file') fileName = part.fileName
  }
  const file = uploads.get('file')
  const labels = uploads.get('labels')
  if (file === undefined) throw badPart('There is no part called file.')
  return {
    path: file.path,
    labelsPath: labels?.path,
    fileName,
    // Not that of the body: its boundary is another with every try.
    sha256: createHash('sha256').update(`${file.sha256}\n${labels?.sha256}`).digest('hex'),
  }
}

function assertPart({ name, fileName }: Part, seen: ReadonlyMap<PartName, Upload>): PartName {
  const known = PART_NAMES.find((partName) => partName === name)
  if (known === undefined || fileName === null) {
    throw badPart(
      `The part ${JSON.stringify(name.slice(0, 40))} is no file called file or labels; options go into the query.`,
    )
  }
  if (seen.has(known)) throw badPart(`The part ${known} comes twice.`)
  return known
}

function badPart(detail: string): DomainError {
  return new DomainError('validation_error', { errors: [{ pointer: '#', detail }] })
}
