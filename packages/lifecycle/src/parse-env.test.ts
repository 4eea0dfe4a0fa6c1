import { expect, it } from 'vitest'
import { z } from 'zod'
import { EnvError, parseEnv } from './parse-env.ts'

const schema = z.object({
  DATABASE_URL: z.url(),
  PORT: z.coerce.number().int().min(1).max(65_535).default(3000),
  LOG_LEVEL: z.enum(['info', 'debug']).default('info'),
  NAME: z.string().optional(),
})

it('gives the values in their types, with the defaults of what is absent', () => {
  const env = parseEnv(schema, { DATABASE_URL: 'postgres://db/trainyard', PORT: '80' })

  expect(env).toEqual({ DATABASE_URL: 'postgres://db/trainyard', PORT: 80, LOG_LEVEL: 'info' })
})

it('takes an empty variable for an absent one', () => {
  const env = parseEnv(schema, { DATABASE_URL: 'postgres://db/trainyard', PORT: '', NAME: '' })

  expect(env).toEqual({ DATABASE_URL: 'postgres://db/trainyard', PORT: 3000, LOG_LEVEL: 'info' })
})

it('lists every fault with its variable, also a required one that is empty', () => {
  const parse = () => parseEnv(schema, { DATABASE_URL: '', PORT: '70000', LOG_LEVEL: 'loud' })

  expect(parse).toThrow(EnvError)
  expect(parse).toThrow(/DATABASE_URL.*PORT.*LOG_LEVEL/s)
})

it('does not hand out variables that the schema does not name', () => {
  const env = parseEnv(schema, { DATABASE_URL: 'postgres://db/trainyard', AWS_SECRET: 'x' })

  expect(env).not.toHaveProperty('AWS_SECRET')
})
