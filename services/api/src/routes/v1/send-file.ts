/** Files made on the way out: their length and SHA-256 are known before the first byte, and parts may be asked for. */
import { Readable } from 'node:stream'
import type { ByteRange } from '@trainyard/domain'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ExportedFile } from '../../use-cases/export-model.ts'
import { announceFile } from './byte-range.ts'
import { isNotModified } from './not-modified.ts'
import { toStream } from './to-stream.ts'

export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { fileName, mediaType, bytes, sha256, open }: ExportedFile,
): Promise<FastifyReply> {
  const etag = `"${sha256}"`
  reply.header('etag', etag).header('cache-control', 'private, no-cache')
  reply.header('accept-ranges', 'bytes')
  if (isNotModified(request.headers['if-none-match'], etag)) return await reply.code(304).send()
  // Of the whole file, also beside a part of it (RFC 9530 §3.1).
  reply.header('repr-digest', `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`)
  const { isHead, part } = announceFile(request, reply, { bytes, etag, mediaType, fileName })
  if (isHead) return await reply.send(Readable.from([]))
  const chunks = await open()
  return await reply.send(toStream(part === null ? chunks : cut(chunks, part)))
}

/** The bytes from `start` up to `end`; what lies before is made and thrown away. */
function* cut(
  chunks: Iterable<Uint8Array | string>,
  { start, end }: ByteRange,
): Generator<Uint8Array> {
  let at = 0
  for (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    yield bytes.subarray(Math.max(0, start - at), Math.max(0, end - at))
    at += bytes.length
    if (at >= end) return
  }
}
