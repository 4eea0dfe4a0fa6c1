import { z } from 'zod'

/** The environment is not usable; the message lists every fault. */
export class EnvError extends Error {
  override readonly name = 'EnvError'
}

/** Reads the environment once, at the start of a process. An empty variable counts as absent. */
export function parseEnv<Schema extends z.ZodType>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
): z.infer<Schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const result = schema.safeParse(given)
  if (result.success) return result.data
  throw new EnvError(z.prettifyError(result.error))
}
