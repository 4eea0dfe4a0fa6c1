import { Readable } from 'node:stream'
import {
  jobParamsSchema,
  readWeightsQuerySchema,
  weightsDocumentSchema,
} from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { ReadWeights } from '../../../use-cases/read-weights.ts'
import { isNotModified } from '../not-modified.ts'
import { problemResponses } from '../problem-responses.ts'
import { toStream } from '../to-stream.ts'

const schema = {
  tags: ['Jobs'],
  summary: 'Download the weights of a job',
  description: 'JSON for reading, safetensors for other frameworks; weight matrices are [out][in].',
  params: jobParamsSchema,
  querystring: readWeightsQuerySchema,
  response: {
    200: {
      content: {
        'application/json': { schema: weightsDocumentSchema },
        'application/octet-stream': {
          schema: z.any().meta({ type: 'string', format: 'binary', description: 'safetensors' }),
        },
      },
    },
    304: z.undefined().describe('The weights are those of If-None-Match'),
    ...problemResponses,
  },
}

export function addReadWeights(app: App, { readWeights }: { readWeights: ReadWeights }): void {
  app.get('/v1/jobs/:id/weights', { schema }, async (request, reply) => {
    const file = await readWeights(request.principal.projectId, request.params.id, request.query)
    reply.header('etag', file.etag).header('cache-control', 'private, no-cache')
    if (isNotModified(request.headers['if-none-match'], file.etag)) return reply.code(304).send()
    reply.type(file.mediaType)
    reply.header('content-disposition', `attachment; filename="${file.fileName}"`)
    const { byteLength, chunks } = await file.open()
    if (byteLength !== null) reply.header('content-length', byteLength)
    return reply.send(request.method === 'HEAD' ? Readable.from([]) : toStream(chunks))
  })
}
