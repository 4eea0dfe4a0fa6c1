import { Readable } from 'node:stream'
import { jobParamsSchema, jobSplitSchema, readSplitQuerySchema } from '@trainyard/contracts'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import type { ReadSplit } from '../../../use-cases/read-split.ts'
import { isNotModified } from '../not-modified.ts'
import { problemResponses } from '../problem-responses.ts'
import { toStream } from '../to-stream.ts'

const MEDIA_TYPES = { json: 'application/json', csv: 'text/csv' } as const

const schema = {
  tags: ['Jobs'],
  summary: 'Download which rows trained, which validated and which tested',
  description:
    'Of an ended job. Rows that were left out (`drop_row`) are in no part. CSV has one line for each row: `row,part`, where the part is `training`, `validation`, `test`, or `fold_1` and so on for the fold in which the row validated.',
  params: jobParamsSchema,
  querystring: readSplitQuerySchema,
  response: {
    200: {
      content: {
        'application/json': { schema: jobSplitSchema },
        'text/csv': { schema: z.any().meta({ type: 'string' }) },
      },
    },
    304: z.undefined().describe('The split is that of If-None-Match'),
    ...problemResponses,
  },
}

export function addReadSplit(app: App, { readSplit }: { readSplit: ReadSplit }): void {
  app.get('/v1/jobs/:id/split', { schema }, async (request, reply) => {
    const { principal, params, query } = request
    const { job, etag, open } = await readSplit(principal.projectId, params.id, query.format)
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    if (isNotModified(request.headers['if-none-match'], etag)) return reply.code(304).send()
    reply.type(`${MEDIA_TYPES[query.format]}; charset=utf-8`)
    const fileName = `${job.id}-split.${query.format}`
    reply.header('content-disposition', `attachment; filename="${fileName}"`)
    return reply.send(request.method === 'HEAD' ? Readable.from([]) : toStream(await open()))
  })
}
