import type { Job } from '@trainyard/contracts'
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

/** The same for a job that comes from another, whose place is not below its path. */
export function sendJobCreated(
  reply: Pick<FastifyReply, 'code' | 'header'>,
  { body, isReplayed }: Replayable<Job>,
): Job {
  reply.code(201).header('location', `/v1/jobs/${body.id}`)
  if (isReplayed) reply.header('idempotent-replayed', 'true')
  return body
}
