export { EnvError, parseEnv } from './parse-env.ts'
export { type Closers, runService } from './run-service.ts'
