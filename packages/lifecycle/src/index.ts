export { createCalmLog } from './calm-log.ts'
export { armFailpoints, FAILPOINTS, type Failpoint, failpoint } from './failpoints.ts'
export { EnvError, parseEnv } from './parse-env.ts'
export { type Closers, runService } from './run-service.ts'
