/** OpenAPI 3.1 from the schemas that check the requests, so that the two cannot differ. Made at the first question. */
import swagger, { type SwaggerTransform } from '@fastify/swagger'
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { App } from '../app.ts'

const DESCRIPTION = `Training as a service: send a table and a specification, watch the training, fetch the weights, predict.

Every error is a problem document (RFC 9457) with a \`code\`; a 422 lists every fault with its place. Lists are read by
cursor: \`after=<last_id>\`. What makes a data set, a job, a sweep, a version of a model or a batch prediction takes an \`Idempotency-Key\`, kept for 24 hours.`

const toJsonSchema = createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } })

export async function addOpenApi(app: App, { version }: { version: string }): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trainyard',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          api_key: { type: 'http', scheme: 'bearer', description: 'An API key, ty_live_…' },
        },
      },
    },
    transform,
    transformObject: jsonSchemaTransformObject,
  })
  let document: string | null = null
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger())
    return await reply.type('application/json; charset=utf-8').send(document)
  })
}

/** What the zod transform cannot: bodies with a schema per media type, and which routes ask for a key. */
const transform: SwaggerTransform = (route) => {
  const { schema } = route
  const needsKey = /^\/(v1|v2\/models)\//.test(route.url)
  const security = needsKey ? [{ api_key: [] }] : []
  const content = (schema?.body as { content?: Record<string, { schema: unknown }> } | undefined)
    ?.content
  if (schema === undefined || content === undefined) {
    const made = toJsonSchema(route)
    return { ...made, schema: { ...made.schema, security } }
  }
  const bodies = Object.entries(content).map(([mediaType, body]) => {
    const made = toJsonSchema({ ...route, schema: { ...schema, body: body.schema } })
    return [mediaType, { schema: (made.schema as { body?: unknown }).body }]
  })
  const made = toJsonSchema({ ...route, schema: { ...schema, body: undefined } })
  return {
    ...made,
    schema: { ...made.schema, body: { content: Object.fromEntries(bodies) }, security },
  }
}
