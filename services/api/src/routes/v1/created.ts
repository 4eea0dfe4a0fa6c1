import type { FastifyReply } from 'fastify'
import type { Replayable } from '../../use-cases/replay.ts'

/** 201 with the place of what was made, or the same answer again for a repeated `Idempotency-Key`. */
export function sendCreated<Body>(
  reply: Pick<FastifyReply, 'code' | 'header' | 'request'>,
  { body, isReplayed }: Replayable<Body>,
  placeOf: (body: Body) => string,
): Body {
  const path = reply.request.routeOptions.url ?? ''
  reply.code(201).header('location', `${path}/${placeOf(body)}`)
  if (isReplayed) reply.header('idempotent-replayed', 'true')
  return body
}
