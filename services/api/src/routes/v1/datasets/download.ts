import { Readable } from 'node:stream'
import { datasetParamsSchema } from '@trainyard/contracts'
import type { BlobStore, DatasetStore } from '@trainyard/domain'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { findDataset } from '../../../use-cases/find-dataset.ts'
import { announceFile } from '../byte-range.ts'
import { isNotModified } from '../not-modified.ts'
import { problemResponses } from '../problem-responses.ts'

const PARQUET = 'application/vnd.apache.parquet'

const schema = {
  tags: ['Data sets'],
  summary: 'Download the table as Parquet',
  description:
    'Columns under their own names, ignored ones included; numbers are doubles, missing cells are null. A table of more than 1,024 columns is folded: `block` 0 holds columns 0 to 1,023 as c0 to c1023, block 1 the next. `Range: bytes=…` answers one part of it, so that a broken download goes on where it broke; `If-Range` with the ETag, which is the SHA-256 of the whole.',
  params: datasetParamsSchema,
  response: {
    200: {
      content: { [PARQUET]: { schema: z.any().meta({ type: 'string', format: 'binary' }) } },
    },
    206: {
      content: { [PARQUET]: { schema: z.any().meta({ type: 'string', format: 'binary' }) } },
    },
    304: z.undefined().describe('The table is that of If-None-Match'),
    ...problemResponses,
  },
}

export function addDownloadDataset(
  app: App,
  { datasets, blobs }: { datasets: Pick<DatasetStore, 'find'>; blobs: Pick<BlobStore, 'read'> },
): void {
  app.get('/v1/datasets/:id/download', { schema }, async (request, reply) => {
    const { id, sha256, bytes } = await findDataset(
      datasets,
      request.principal.projectId,
      request.params.id,
    )
    const etag = `"${sha256}"`
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    reply.header('accept-ranges', 'bytes')
    if (isNotModified(request.headers['if-none-match'], etag)) return reply.code(304).send()
    const file = { bytes, etag, mediaType: PARQUET, fileName: `${id}.parquet` }
    const { isHead, part } = announceFile(request, reply, file)
    const chunks = isHead ? [] : blobs.read(sha256, part ?? undefined)
    return reply.send(Readable.from(chunks, { objectMode: false }))
  })
}
