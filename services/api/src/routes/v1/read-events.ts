/** Events as a list, or as a live stream by `Accept: text/event-stream`; the same for whatever has a history. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import {
  jobParamsSchema,
  listEventsQuerySchema,
  listSchema,
  modelParamsSchema,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App } from '../../app.ts'
import type { Authenticate } from '../../plugins/authentication.ts'
import type { EventStreams, StreamedId } from '../../streams/event-streams.ts'
import type { ListEvents, StartStream } from '../../use-cases/read-events.ts'
import { problemResponses } from './problem-responses.ts'

const EVENT_STREAM = 'text/event-stream'

export interface ReadEventsDeps {
  listEvents: ListEvents<{ id: string; seq: number }>
  startStream: StartStream<StreamedId>
  streams: EventStreams
  authenticate: Authenticate
}

export function addReadEvents(
  app: App,
  deps: ReadEventsDeps,
  of: { path: string; place?: 'id' | 'name'; tag: string; noun: string; event: z.ZodType },
): void {
  const { place = 'id' } = of
  const schema = {
    tags: [of.tag],
    summary: `Read the events of a ${of.noun}, as a list or as a live stream`,
    description:
      'With Accept: text/event-stream the events after Last-Event-ID (or ?after=) come as they happen; the stream ends after the last one, and a reconnect past the end is answered with 204.',
    params: place === 'id' ? jobParamsSchema : modelParamsSchema,
    querystring: listEventsQuerySchema,
    response: {
      200: {
        content: {
          'application/json': { schema: listSchema(of.event) },
          [EVENT_STREAM]: { schema: z.string() },
        },
      },
      204: z.undefined().describe('The stream has ended and holds nothing after the cursor'),
      ...problemResponses,
    },
  }
  app.get(of.path, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { headers, query } = request
    const { projectId } = request.principal
    const source = (request.params as Record<string, string>)[place] ?? ''
    if (!headers.accept?.includes(EVENT_STREAM)) return deps.listEvents(projectId, source, query)
    deps.streams.assertRoom()
    const after = lastEventId(headers) ?? query.after
    const start = await deps.startStream(projectId, source, after)
    if (start === null) return await reply.code(204).send()
    const response = openStream(reply)
    await deps.streams.write(response, {
      ...start,
      isAllowed: () => isAllowed(deps, request, source),
    })
  })
}

/** The header wins over the query: a client that reconnects repeats its first URL. */
function lastEventId(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['last-event-id']
  return typeof given === 'string' && given !== '' ? given : undefined
}

function openStream(reply: FastifyReply): ServerResponse {
  reply.header('content-type', EVENT_STREAM)
  reply.header('cache-control', 'no-cache, no-transform')
  reply.header('x-accel-buffering', 'no')
  reply.hijack()
  reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
  return reply.raw
}

/** False when the key is no longer good or what the stream tells of is gone. */
async function isAllowed(
  { authenticate, startStream }: ReadEventsDeps,
  request: FastifyRequest,
  source: string,
): Promise<boolean> {
  try {
    const { projectId } = await authenticate(request)
    await startStream(projectId, source, undefined)
    return true
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === 'unavailable') throw error
    return false
  }
}
