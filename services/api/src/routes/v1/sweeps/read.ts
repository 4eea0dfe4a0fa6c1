import {
  listSchema,
  listSweepsQuerySchema,
  listTrialsQuerySchema,
  readJobQuerySchema,
  replaySweepQuerySchema,
  sweepImportanceSchema,
  sweepParamsSchema,
  sweepSchema,
  trialReplaySchema,
  trialSchema,
} from '@trainyard/contracts'
import type { SweepStore } from '@trainyard/domain'
import type { App } from '../../../app.ts'
import type { ExplainSweep } from '../../../use-cases/explain-sweep.ts'
import { findSweep } from '../../../use-cases/find-sweep.ts'
import type { ReadSweep } from '../../../use-cases/read-sweep.ts'
import type { ReplaySweep } from '../../../use-cases/replay-sweep.ts'
import { closed } from '../closed.ts'
import { problemResponses } from '../problem-responses.ts'

const listSweepsSchema = {
  tags: ['Sweeps'],
  summary: 'List sweeps, newest first',
  querystring: listSweepsQuerySchema,
  response: { 200: listSchema(sweepSchema), ...problemResponses },
}

const readSchema = {
  tags: ['Sweeps'],
  summary: 'Read a sweep, or wait for its next change',
  description:
    'wait=N answers at once when the sweep has ended, else when its status or the number of its ended trials changes, at the latest after N seconds.',
  params: sweepParamsSchema,
  querystring: readJobQuerySchema,
  response: { 200: sweepSchema, ...problemResponses },
}

const trialsSchema = {
  tags: ['Sweeps'],
  summary: 'List the trials of a sweep',
  description:
    'By trial_index, or with sort=objective from the best; trials without an objective come last. The next page is after=<last_id>.',
  params: sweepParamsSchema,
  querystring: listTrialsQuerySchema,
  response: { 200: listSchema(trialSchema), ...problemResponses },
}

const importanceSchema = {
  tags: ['Sweeps'],
  summary: 'Which hyperparameters mattered, and how',
  description: 'Functional ANOVA over a random forest of the trials that have a result.',
  params: sweepParamsSchema,
  response: { 200: sweepImportanceSchema, ...problemResponses },
}

const replaySchema = {
  tags: ['Sweeps'],
  summary: 'Make the choices and decisions of a sweep again, from what it recorded',
  description:
    'Of each trial what was chosen and decided, what that depended on, and what follows from it now: seen_trials for tpe, the position in which trials were heard for early termination. Nothing is trained. The next page is after=<last_id>.',
  params: sweepParamsSchema,
  querystring: replaySweepQuerySchema,
  response: { 200: listSchema(trialReplaySchema), ...problemResponses },
}

export function addReadSweeps(
  app: App,
  {
    sweeps,
    readSweep,
    explainSweep,
    replaySweep,
    draining,
  }: {
    sweeps: Pick<SweepStore, 'find' | 'list' | 'trials'>
    readSweep: ReadSweep
    explainSweep: ExplainSweep
    replaySweep: ReplaySweep
    draining: AbortSignal
  },
): void {
  app.get('/v1/sweeps', { schema: listSweepsSchema }, ({ principal, query }) =>
    sweeps.list(principal.projectId, query),
  )
  app.get('/v1/sweeps/:id', { schema: readSchema }, (request, reply) =>
    readSweep(request.principal.projectId, request.params.id, {
      waitSeconds: request.query.wait ?? 0,
      signal: AbortSignal.any([draining, closed(reply.raw)]),
    }),
  )
  app.get('/v1/sweeps/:id/trials', { schema: trialsSchema }, async ({ principal, params, query }) =>
    sweeps.trials(await findSweep(sweeps, principal.projectId, params.id), query),
  )
  app.get('/v1/sweeps/:id/importance', { schema: importanceSchema }, ({ principal, params }) =>
    explainSweep.importance(principal.projectId, params.id),
  )
  app.get('/v1/sweeps/:id/replay', { schema: replaySchema }, ({ principal, params, query }) =>
    replaySweep(principal.projectId, params.id, query),
  )
}
