/** One range of bytes out of a file (RFC 9110 §14). */
import { type ByteRange, DomainError } from '@trainyard/domain'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The part that `Range` asks for, or null for the whole: without the header, for several ranges or another unit, which a
 * server may pass over, and when `If-Range` names another file than the one of `etag` (a strong one). Throws
 * `range_not_satisfiable` when the file ends before the range begins.
 */
export function readRange(
  { range, 'if-range': ifRange }: { range?: string | undefined; 'if-range'?: unknown },
  { bytes, etag }: { bytes: number; etag: string },
): ByteRange | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  if (ifRange !== undefined && ifRange !== etag) return null
  const isSuffix = first === ''
  if (!isSuffix && last !== '' && Number(last) < Number(first)) return null
  const start = isSuffix ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = isSuffix || last === '' ? bytes : Math.min(bytes, Number(last) + 1)
  if (start >= bytes) {
    throw new DomainError('range_not_satisfiable', {
      detail: `The file has ${bytes} bytes; the range begins behind them or is empty.`,
      bytes,
    })
  }
  return { start, end }
}

/** Says which bytes of the file follow, all or those of `Range`, and answers them; `isHead`: none do. */
export function announceFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: { bytes: number; etag: string; mediaType: string; fileName: string },
): { isHead: boolean; part: ByteRange | null } {
  const { bytes, mediaType, fileName } = file
  // A range is defined for GET alone.
  const isHead = request.method === 'HEAD'
  const part = isHead ? null : readRange(request.headers, file)
  reply.type(mediaType)
  reply.header('content-disposition', `attachment; filename="${fileName}"`)
  reply.header('content-length', part === null ? bytes : part.end - part.start)
  if (part !== null) {
    reply.code(206).header('content-range', `bytes ${part.start}-${part.end - 1}/${bytes}`)
  }
  return { isHead, part }
}
