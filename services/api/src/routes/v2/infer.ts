import { modelParamsSchema, modelVersionParamsSchema } from '@trainyard/contracts'
import { InferenceError } from '@trainyard/formats'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App } from '../../app.ts'
import { toVersionChoice } from '../../use-cases/find-model.ts'
import type { Infer } from '../../use-cases/infer.ts'
import { protocolErrors } from './protocol-errors.ts'

/** A quarter of a million rows of 64 numbers. */
const BODY_BYTES_MAX = 64 * 1024 ** 2
const DOCUMENT = 'application/json'
const RAW = 'application/octet-stream'
/** Where raw tensors follow the JSON document, its length. */
const JSON_LENGTH = 'inference-header-content-length'

const tensorDocument = { type: 'object', required: ['name', 'shape', 'datatype'] }
const requestSchema = z.any().meta({
  type: 'object',
  required: ['inputs'],
  properties: { inputs: { type: 'array', items: tensorDocument } },
})
const responseSchema = z.any().meta({
  type: 'object',
  required: ['model_name', 'model_version', 'outputs'],
  properties: { outputs: { type: 'array', items: tensorDocument } },
})
const rawSchema = z.any().meta({
  type: 'string',
  format: 'binary',
  description: `A JSON document of ${JSON_LENGTH} bytes, and raw tensors behind it`,
})

const schema = {
  tags: ['Open Inference Protocol'],
  description:
    'Tensors as JSON or raw. Outputs are `label`, `class_id`, `probabilities` and `logits` of a classification, `value` and `logits` of a regression, as far as the model has them; without `outputs` all are sent.',
  body: { content: { [DOCUMENT]: { schema: requestSchema }, [RAW]: { schema: rawSchema } } },
  response: {
    200: { content: { [DOCUMENT]: { schema: responseSchema }, [RAW]: { schema: rawSchema } } },
    ...protocolErrors,
  },
}

export function addInfer(app: App, { infer }: { infer: Infer }): void {
  // A scope of its own: what reads the tensors takes the bytes as they are.
  app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      [DOCUMENT, RAW],
      { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
      async (_request: unknown, bytes: Buffer) => bytes,
    )
    scope.post(
      '/v2/models/:name/infer',
      { schema: { ...schema, summary: 'Predict with a model', params: modelParamsSchema } },
      async (request, reply) => {
        const { principal, params } = request
        return send(reply, await infer(principal.projectId, params.name, null, readBody(request)))
      },
    )
    scope.post(
      '/v2/models/:name/versions/:version/infer',
      {
        schema: {
          ...schema,
          summary: 'Predict with a version of a model',
          params: modelVersionParamsSchema,
        },
      },
      async (request, reply) => {
        const { principal, params } = request
        const choice = toVersionChoice(params.version)
        return send(reply, await infer(principal.projectId, params.name, choice, readBody(request)))
      },
    )
  })
}

function readBody({ body, headers }: FastifyRequest): Parameters<Infer>[3] {
  if (!Buffer.isBuffer(body)) throw new InferenceError('the request has no body')
  const length = headers[JSON_LENGTH]
  if (length === undefined) return { body, jsonBytes: null }
  if (typeof length !== 'string' || !/^\d{1,10}$/.test(length)) {
    throw new InferenceError('Inference-Header-Content-Length must be a whole number')
  }
  return { body, jsonBytes: Number(length) }
}

function send(reply: FastifyReply, { body, jsonBytes }: Awaited<ReturnType<Infer>>): FastifyReply {
  if (jsonBytes !== null) reply.header(JSON_LENGTH, jsonBytes)
  return reply
    .type(jsonBytes === null ? DOCUMENT : RAW)
    .send(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
}
