/**
 * Named places at which a process can be made to die, so that tests can cut it off between any two steps that matter.
 * Nothing is armed unless `TRAINYARD_FAILPOINTS` says so, as in `worker.claimed=kill@2;dispatch.marked=kill`: the second
 * claim, the first mark. Unarmed, a failpoint is one comparison.
 */
import { EnvError } from './parse-env.ts'

export const FAILPOINTS = [
  'api.before_insert',
  'api.insert_before_commit',
  'api.insert_after_commit',
  'api.cancel_before_commit',
  'api.cancel_after_commit',
  'dispatch.picked',
  'dispatch.marked',
  'dispatch.added',
  'redeliver.found_lost',
  'redeliver.redispatched',
  'recover.found_dead',
  'recover.recovered',
  'worker.delivered',
  'worker.claimed',
  'worker.prepared',
  'worker.reported',
  'worker.checkpoint_put',
  'worker.checkpoint_before_commit',
  'worker.checkpoint_after_commit',
  'worker.result_put',
  'worker.finish_before_commit',
  'worker.finish_after_commit',
  'worker.released',
] as const
export type Failpoint = (typeof FAILPOINTS)[number]

const ARMING = /^(?<name>[a-z._]+)=kill(?:@(?<count>[1-9]\d*))?$/

/** How often each may still be passed. Null: nothing is armed. */
let armed: Map<Failpoint, number> | null = null

/** Throws `EnvError` for what it cannot read, and wherever `NODE_ENV` is production. */
export function armFailpoints(environment: NodeJS.ProcessEnv): void {
  const text = environment.TRAINYARD_FAILPOINTS ?? ''
  if (text === '') return
  if (environment.NODE_ENV === 'production') {
    throw new EnvError('TRAINYARD_FAILPOINTS must not be set when NODE_ENV is production')
  }
  armed = new Map()
  for (const part of text.split(';')) {
    const { name, count } = ARMING.exec(part)?.groups ?? {}
    const known = FAILPOINTS.find((failpoint) => failpoint === name)
    if (known === undefined) throw new EnvError(`TRAINYARD_FAILPOINTS does not know "${part}"`)
    armed.set(known, Number(count ?? 1))
  }
}

/** Ends the process as `kill -9` does when this place is armed and has been reached often enough. */
export function failpoint(name: Failpoint): void {
  if (armed !== null) reach(armed, name)
}

function reach(counts: Map<Failpoint, number>, name: Failpoint): void {
  const count = counts.get(name)
  if (count === undefined) return
  counts.set(name, count - 1)
  if (count === 1) process.kill(process.pid, 'SIGKILL')
}
