import {
  ensembleSweepBodySchema,
  type ModelVersion,
  modelVersionSchema,
  promoteSweepBodySchema,
  sweepParamsSchema,
} from '@trainyard/contracts'
import type { FastifyReply } from 'fastify'
import type { App } from '../../../app.ts'
import { readIdempotency } from '../../../plugins/idempotency.ts'
import type { RegisterTrials } from '../../../use-cases/register-trials.ts'
import type { Replayable } from '../../../use-cases/replay.ts'
import { problemResponses } from '../problem-responses.ts'

const response = { 201: modelVersionSchema, ...problemResponses }

const promoteSchema = {
  tags: ['Sweeps'],
  summary: 'Register the best trial of a sweep as a version of a model',
  params: sweepParamsSchema,
  body: promoteSweepBodySchema,
  response,
}

const ensembleSchema = {
  tags: ['Sweeps'],
  summary: 'Register the best trials of a sweep as one model',
  description: 'Their probabilities, or values, are averaged.',
  params: sweepParamsSchema,
  body: ensembleSweepBodySchema,
  response,
}

export function addRegisterTrials(
  app: App,
  { registerTrials }: { registerTrials: RegisterTrials },
): void {
  app.post('/v1/sweeps/:id/promote', { schema: promoteSchema }, async (request, reply) => {
    const { principal, params, body } = request
    const repeat = readIdempotency(request)
    const made = await registerTrials.promote(principal.projectId, params.id, body, repeat)
    return sendVersion(reply, made)
  })
  app.post('/v1/sweeps/:id/ensemble', { schema: ensembleSchema }, async (request, reply) => {
    const { principal, params, body } = request
    const repeat = readIdempotency(request)
    const made = await registerTrials.ensemble(principal.projectId, params.id, body, repeat)
    return sendVersion(reply, made)
  })
}

function sendVersion(
  reply: Pick<FastifyReply, 'code' | 'header'>,
  { body, isReplayed }: Replayable<ModelVersion>,
): ModelVersion {
  reply.code(201).header('location', `/v1/models/${body.model}/versions/${body.version}`)
  if (isReplayed) reply.header('idempotent-replayed', 'true')
  return body
}
