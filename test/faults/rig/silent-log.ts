import type { SchedulerDeps } from '../../../services/scheduler/src/deps.ts'

const say = () => undefined

/** What the parts that run within the rig say is not looked at. */
export const silentLog = {
  debug: say,
  info: say,
  warn: say,
  error: say,
} as unknown as SchedulerDeps['log']
