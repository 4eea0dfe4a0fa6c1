import {
  createModelBodySchema,
  importFileQuerySchema,
  modelVersionSchema,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import { readIdempotency, readIdempotencyKey } from '../../../plugins/idempotency.ts'
import type { ImportThread } from '../../../threads/import-thread.ts'
import type { CreateModel } from '../../../use-cases/create-model.ts'
import { sendCreated } from '../created.ts'
import { problemResponses } from '../problem-responses.ts'

export const MODEL_BYTES_MAX = 256 * 1024 ** 2

const schema = {
  tags: ['Models'],
  summary: 'Import weights, or register those of a job, under a name',
  description:
    'Every call makes the next version of the model. Weights are a trainyard/1 document, as GET /v1/jobs/{id}/weights writes it, or as `application/octet-stream` a safetensors or ONNX file, with `name` and, where the file does not say it, `architecture` in the query; a body may have 256 MiB.',
  querystring: importFileQuerySchema,
  body: createModelBodySchema,
  response: { 201: modelVersionSchema, ...problemResponses },
}

export function addCreateModel(
  app: App,
  { createModel, imports }: { createModel: CreateModel; imports: Pick<ImportThread, 'read'> },
): void {
  // A scope of its own: nowhere else may JSON be that large, and its bytes are read by a thread.
  app.register(async (scope: App) => {
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser(
      ['application/json', 'application/octet-stream'],
      { parseAs: 'buffer', bodyLimit: MODEL_BYTES_MAX },
      async (_request: unknown, bytes: Buffer) => bytes,
    )
    // The schema checks the body where it is parsed.
    const validatorCompiler = () => (value: unknown) => ({ value })
    scope.post('/v1/models', { schema, validatorCompiler }, async (request, reply) => {
      readIdempotencyKey(request)
      const isFile = request.headers['content-type']?.startsWith('application/octet-stream')
      const file = isFile === true ? request.query : null
      if (file === null) assertNoQuery(request.query)
      const { bodySha256, wish } = await imports.read({ body: toBytes(request.body), file })
      const repeat = readIdempotency(request, bodySha256)
      const created = await createModel(request.principal.projectId, wish, repeat)
      return sendCreated(reply, created, ({ model, version }) => `${model}/versions/${version}`)
    })
  })
}

/** Beside JSON, which has fields for all of it, an option would be ignored. */
function assertNoQuery(query: object): void {
  const errors = Object.keys(query).map((parameter) => ({
    parameter,
    detail: 'goes with a file; in JSON it is a field of the body',
  }))
  if (errors.length > 0) throw new DomainError('validation_error', { errors })
}

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  throw new DomainError('validation_error', { errors: [{ pointer: '#', detail: 'is required' }] })
}
