import {
  changeSweepBodySchema,
  sweepParamsSchema,
  sweepSchema,
  trialPathSchema,
} from '@trainyard/contracts'
import type { App } from '../../../app.ts'
import type { CommandSweep } from '../../../use-cases/command-sweep.ts'
import { problemResponses } from '../problem-responses.ts'

const response = { 200: sweepSchema, 202: sweepSchema, ...problemResponses }
const params = sweepParamsSchema

const COMMANDS = {
  cancel: {
    summary: 'Cancel a sweep',
    description:
      'No trial starts any more, running ones stop at their next batch, and what has ended keeps its result (202 until the sweep has ended). Repeating it changes nothing.',
  },
  pause: {
    summary: 'Pause a sweep',
    description: 'No trial starts until it is resumed; running ones end (202 until they have).',
  },
  resume: { summary: 'Resume a paused sweep', description: 'Goes on where it was.' },
} as const

const changeSchema = {
  tags: ['Sweeps'],
  summary: 'Give a sweep more trials',
  description: 'A sweep that has ended goes on; trials that were chosen before stay as they are.',
  params,
  body: changeSweepBodySchema,
  response: { 200: sweepSchema, ...problemResponses },
}

const retrySchema = {
  tags: ['Sweeps'],
  summary: 'Train a failed trial again',
  description: 'With the same values and seeds; a sweep that has ended goes on for it.',
  params: trialPathSchema,
  response: { 200: sweepSchema, ...problemResponses },
}

export function addCommandSweep(app: App, { commandSweep }: { commandSweep: CommandSweep }): void {
  for (const command of ['cancel', 'pause', 'resume'] as const) {
    const schema = { tags: ['Sweeps'], ...COMMANDS[command], params, response }
    app.post(`/v1/sweeps/:id/${command}`, { schema }, async (request, reply) => {
      const { projectId } = request.principal
      const sweep = await commandSweep.command(projectId, request.params.id, command)
      const isUnderWay = sweep.status === 'cancelling' || sweep.status === 'pausing'
      return await reply.code(isUnderWay ? 202 : 200).send(sweep)
    })
  }
  app.patch('/v1/sweeps/:id', { schema: changeSchema }, ({ principal, params: { id }, body }) =>
    commandSweep.extend(principal.projectId, id, body.max_trials),
  )
  app.post(
    '/v1/sweeps/:id/trials/:trial_index/retry',
    { schema: retrySchema },
    ({ principal, params: { id, trial_index } }) =>
      commandSweep.retryTrial(principal.projectId, id, trial_index),
  )
}
