import type { Readable } from 'node:stream'
import {
  type CreateDatasetBody,
  createDatasetBodySchema,
  datasetSchema,
  uploadDatasetQuerySchema,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { assertUploadSize, type WithUpload } from '../../../files/receive-upload.ts'
import { readIdempotency, readIdempotencyKey } from '../../../plugins/idempotency.ts'
import type { CreateDataset } from '../../../use-cases/create-dataset.ts'
import { toCsvSource, toJsonSource } from '../../../use-cases/dataset-sources.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

const CSV = 'text/csv'

const schema = {
  tags: ['Data sets'],
  summary: 'Make a data set from CSV, from rows, or from a generator',
  description:
    'A text/csv body is streamed and may have 1 GiB; a JSON body 1 MiB. Query parameters are the options of a text/csv body.',
  querystring: uploadDatasetQuerySchema,
  body: {
    content: {
      'application/json': { schema: createDatasetBodySchema },
      [CSV]: {
        schema: z
          .any()
          .meta({ type: 'string', description: 'A table, with a header line unless header=false' }),
      },
    },
  },
  response: { 201: datasetSchema, ...problemResponses },
}

export function addCreateDataset(
  app: App,
  { createDataset, withUpload }: { createDataset: CreateDataset; withUpload: WithUpload },
): void {
  // A scope of its own: nowhere else is a body of CSV taken.
  app.register(async (scope: App) => {
    scope.addContentTypeParser(CSV, async (request: FastifyRequest, body: Readable) => {
      assertUploadSize(request.headers['content-length'])
      readIdempotencyKey(request)
      return body
    })
    scope.post('/v1/datasets', { schema }, async (request, reply) => {
      const { projectId } = request.principal
      const { query } = request
      const body = request.body as CreateDatasetBody | Readable | undefined
      if (body === undefined) throw missingBody()
      if ('pipe' in body) {
        return await withUpload(body, async ({ path, sha256 }) => {
          const repeat = readIdempotency(request, sha256)
          return sendCreated(
            reply,
            await createDataset(projectId, toCsvSource(path, query), repeat),
            ({ id }) => id,
          )
        })
      }
      const repeat = readIdempotency(request, request.bodySha256 ?? '')
      const created = await createDataset(projectId, toJsonSource(body, query), repeat)
      return sendCreated(reply, created, ({ id }) => id)
    })
  })
}

/** A request without a media type is checked by no schema. */
function missingBody(): DomainError {
  return new DomainError('validation_error', {
    errors: [{ pointer: '#', detail: 'is required: a table as text/csv, or application/json' }],
  })
}
