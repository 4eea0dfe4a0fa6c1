/** The contract's zod schemas check what comes in, with every fault of a part at once, and in tests what goes out. */
import type { FieldError } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App } from '../app.ts'
import { type RequestPart, toFieldErrors } from './field-errors.ts'

export function addValidation(app: App, options: { checkResponses: boolean }): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    // An id in a path is looked up as it is: what cannot be one is not found.
    if (httpPart === 'params') return (value: unknown) => ({ value })
    const part = httpPart === 'body' ? 'body' : 'query'
    return (input: unknown) => {
      const result = validate(schema as z.ZodType, input, part)
      return 'errors' in result
        ? { error: new DomainError('validation_error', { errors: result.errors }) }
        : result
    }
  })
  app.setSerializerCompiler(({ schema, method, url }) => {
    if (!options.checkResponses) return (data: unknown) => JSON.stringify(data)
    return (data: unknown) => {
      const result = (schema as unknown as z.ZodType).safeParse(data)
      if (result.success) return JSON.stringify(result.data)
      throw new Error(
        `${method} ${url} answers what it should not: ${z.prettifyError(result.error)}`,
      )
    }
  })
}

/** Faults of the query by the route's own schema. */
export function queryFaults(request: FastifyRequest): FieldError[] {
  const schema = request.routeOptions.schema?.querystring as z.ZodType | undefined
  if (schema === undefined) return []
  const result = validate(schema, request.query, 'query')
  return 'errors' in result ? result.errors : []
}

function validate(
  schema: z.ZodType,
  input: unknown,
  part: RequestPart,
): { errors: FieldError[] } | { value: unknown } {
  if (part === 'query') {
    const errors = unstorable(input)
    if (errors.length > 0) return { errors }
  }
  const result = schema.safeParse(input)
  if (result.success) return { value: result.data }
  return { errors: toFieldErrors(result.error.issues, input, part) }
}

/** `%00` in a query would reach Postgres, which has no such character. */
function unstorable(query: unknown): FieldError[] {
  return Object.entries(query as Record<string, unknown>)
    .filter(([name, value]) => `${name}${String(value)}`.includes('\0'))
    .map(([parameter]) => ({ parameter, detail: 'holds a NUL character' }))
}
