import type { Readable } from 'node:stream'
import {
  type CreateDatasetBody,
  createDatasetBodySchema,
  datasetSchema,
  type TableFormat,
  uploadDatasetQuerySchema,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { WithFiles } from '../../../files/receive-files.ts'
import { assertUploadSize } from '../../../files/receive-upload.ts'
import type { TrackUpload } from '../../../files/track-upload.ts'
import { readIdempotency, readIdempotencyKey } from '../../../plugins/idempotency.ts'
import type { CreateDataset } from '../../../use-cases/create-dataset.ts'
import { toFileSource, toJsonSource } from '../../../use-cases/dataset-sources.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const MULTIPART = 'multipart/form-data'
/** Media types of files; null says nothing of the format, and the file itself is asked. */
const FORMATS: Record<string, TableFormat | null> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/vnd.apache.parquet': 'parquet',
  'application/x-npy': 'npy',
  'application/x-npz': 'npz',
  'application/x-idx': 'idx',
  'text/x-arff': 'arff',
  'application/octet-stream': null,
  'application/gzip': null,
  'application/zstd': null,
}

const textFile = z
  .any()
  .meta({ type: 'string', description: 'A table; may be packed by gzip or zstd' })
const binaryFile = z.any().meta({ type: 'string', format: 'binary' })
const formFile = z.any().meta({
  type: 'object',
  required: ['file'],
  properties: {
    file: { type: 'string', format: 'binary', description: 'Of any format; its name tells which' },
    labels: { type: 'string', format: 'binary', description: 'Labels beside a .npy or IDX file' },
  },
})

const schema = {
  tags: ['Data sets'],
  summary: 'Make a data set from a file, from rows, or from a generator',
  description:
    'A file is streamed and may have 1 GiB, unpacked too; a JSON body 1 MiB. Query parameters are the options of a file. The answer comes when the table is read; meanwhile an upload of more than 8 MiB is shown, with the id that it will have, by `GET /v1/datasets?status=ingesting`.',
  querystring: uploadDatasetQuerySchema,
  body: {
    content: {
      'application/json': { schema: createDatasetBodySchema },
      ...Object.fromEntries(
        Object.keys(FORMATS).map((type) => [
          type,
          { schema: type.startsWith('text/') ? textFile : binaryFile },
        ]),
      ),
      [MULTIPART]: { schema: formFile },
    },
  },
  response: { 201: datasetSchema, ...problemResponses },
}

export function addCreateDataset(
  app: App,
  {
    createDataset,
    withFiles,
    trackUpload,
  }: { createDataset: CreateDataset; withFiles: WithFiles; trackUpload: TrackUpload },
): void {
  // A scope of its own: nowhere else are files taken.
  app.register(async (scope: App) => {
    scope.addContentTypeParser(
      [...Object.keys(FORMATS), MULTIPART],
      async (request: FastifyRequest, body: Readable) => {
        assertUploadSize(request.headers['content-length'])
        readIdempotencyKey(request)
        return body
      },
    )
    scope.post('/v1/datasets', { schema }, async (request, reply) => {
      const { projectId } = request.principal
      const { query } = request
      const body = request.body as CreateDatasetBody | Readable | undefined
      if (body === undefined) throw missingBody()
      if ('pipe' in body) {
        const type = request.headers['content-type'] ?? ''
        const length = Number(request.headers['content-length'])
        const upload = trackUpload(projectId, {
          name: query.name ?? null,
          bytesTotal: Number.isSafeInteger(length) ? length : null,
        })
        try {
          return await withFiles(body, type, upload.received, async (files) => {
            upload.read()
            const repeat = readIdempotency(request, files.sha256)
            const source = await toFileSource(files, formatOf(type), query)
            const created = await createDataset(projectId, source, repeat, upload.id)
            return sendCreated(reply, created, ({ id }) => id)
          })
        } finally {
          await upload.end()
        }
      }
      const repeat = readIdempotency(request)
      const created = await createDataset(projectId, toJsonSource(body, query), repeat)
      return sendCreated(reply, created, ({ id }) => id)
    })
  })
}

function formatOf(contentType: string): TableFormat | null {
  const [mediaType = ''] = contentType.split(';')
  return FORMATS[mediaType.trim().toLowerCase()] ?? null
}

/** A request without a media type is checked by no schema. */
function missingBody(): DomainError {
  return new DomainError('validation_error', {
    errors: [{ pointer: '#', detail: 'is required: a file such as text/csv, or application/json' }],
  })
}
