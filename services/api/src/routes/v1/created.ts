import type { FastifyReply } from 'fastify'
import type { Replayable } from '../../use-cases/replay.ts'

/** 201 with the place of what was made, or the same answer again for a repeated `Idempotency-Key`. */
export function sendCreated<Body extends { id: string }>(
  reply: Pick<FastifyReply, 'code' | 'header' | 'request'>,
  { body, isReplayed }: Replayable<Body>,
): Body {
  const path = reply.request.routeOptions.url ?? ''
  reply.code(201).header('location', `${path}/${body.id}`)
  if (isReplayed) reply.header('idempotent-replayed', 'true')
  return body
}
