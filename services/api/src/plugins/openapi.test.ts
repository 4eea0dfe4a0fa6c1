import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTestApp, type TestApp } from '../test-app.fixture.ts'

interface Operation {
  summary?: string
  security: object[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
  parameters?: { name: string; in: string }[]
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: object }
}

let test: TestApp
let document: Document
beforeAll(async () => {
  test = await buildTestApp()
  document = (await test.app.inject('/openapi.json')).json()
})
afterAll(() => test.close())

const ROUTES = [
  'POST /v1/datasets',
  'GET /v1/datasets',
  'GET /v1/datasets/{id}',
  'PATCH /v1/datasets/{id}',
  'GET /v1/datasets/{id}/download',
  'DELETE /v1/datasets/{id}',
  'GET /v1/datasets/{id}/profile',
  'GET /v1/datasets/{id}/rows',
  'POST /v1/jobs',
  'GET /v1/jobs',
  'GET /v1/jobs/{id}',
  'DELETE /v1/jobs/{id}',
  'POST /v1/jobs/{id}/cancel',
  'POST /v1/jobs/{id}/clone',
  'POST /v1/jobs/{id}/fork',
  'POST /v1/jobs/{id}/input_gradient',
  'POST /v1/jobs/{id}/pause',
  'POST /v1/jobs/{id}/resume',
  'POST /v1/jobs/{id}/retry',
  'POST /v1/jobs/{id}/verify',
  'GET /v1/jobs/{id}/metrics',
  'GET /v1/jobs/{id}/events',
  'GET /v1/jobs/{id}/checkpoints',
  'GET /v1/jobs/{id}/checkpoints/{checkpoint_id}',
  'GET /v1/jobs/{id}/curves.svg',
  'GET /v1/jobs/{id}/layers',
  'GET /v1/jobs/{id}/dependence',
  'GET /v1/jobs/{id}/diagnosis',
  'GET /v1/jobs/{id}/evaluation',
  'GET /v1/jobs/{id}/importance',
  'GET /v1/jobs/{id}/split',
  'GET /v1/jobs/{id}/weights',
  'POST /v1/jobs/{id}/predict',
  'POST /v1/models',
  'GET /v1/models',
  'GET /v1/models/{name}',
  'DELETE /v1/models/{name}',
  'GET /v1/models/{name}/events',
  'GET /v1/models/{name}/versions/{version}/card',
  'GET /v1/models/{name}/versions/{version}/weights',
  'GET /v1/models/{name}/versions/{version}',
  'DELETE /v1/models/{name}/versions/{version}',
  'PUT /v1/models/{name}/aliases/{alias}',
  'DELETE /v1/models/{name}/aliases/{alias}',
  'POST /v1/sweeps',
  'GET /v1/sweeps',
  'POST /v1/sweeps/preview',
  'GET /v1/sweeps/{id}',
  'PATCH /v1/sweeps/{id}',
  'GET /v1/sweeps/{id}/trials',
  'POST /v1/sweeps/{id}/trials/{trial_index}/retry',
  'GET /v1/sweeps/{id}/events',
  'POST /v1/sweeps/{id}/cancel',
  'POST /v1/sweeps/{id}/pause',
  'POST /v1/sweeps/{id}/resume',
  'POST /v1/sweeps/{id}/promote',
  'POST /v1/sweeps/{id}/ensemble',
  'GET /v1/sweeps/{id}/importance',
  'GET /v1/sweeps/{id}/history.svg',
  'GET /v1/sweeps/{id}/importance.svg',
  'GET /v1/sweeps/{id}/parallel.svg',
  'GET /v1/sweeps/{id}/replay',
  'POST /v1/models/{name}/predict',
  'GET /v2',
  'GET /v2/health/live',
  'GET /v2/health/ready',
  'GET /v2/models/{name}',
  'GET /v2/models/{name}/ready',
  'GET /v2/models/{name}/versions/{version}',
  'GET /v2/models/{name}/versions/{version}/ready',
  'POST /v2/models/{name}/infer',
  'POST /v2/models/{name}/versions/{version}/infer',
  'POST /v1/trace',
  'POST /v1/augmentation_preview',
  'POST /v1/batch_predictions',
  'POST /v1/batch_predictions/{id}/cancel',
  'POST /v1/gradient_check',
  'GET /livez',
  'GET /readyz',
  'GET /v1/batch_predictions',
  'GET /v1/batch_predictions/{id}',
  'GET /v1/batch_predictions/{id}/events',
  'GET /problems/{code}',
]

it('is OpenAPI 3.1 and names every route once', () => {
  const named = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )

  expect(document.openapi).toMatch(/^3\.1\./)
  expect(named.filter((route) => !route.startsWith('HEAD ')).sort()).toEqual(ROUTES.toSorted())
})

it.each(ROUTES)('describes %s with its schemas', (route) => {
  const [method = '', path = ''] = route.split(' ')
  const operation = document.paths[path]?.[method.toLowerCase()]

  expect(operation?.summary).toBeTruthy()
  const needsKey = path.startsWith('/v1/') || path.startsWith('/v2/models/')
  expect(operation?.security).toEqual(needsKey ? [{ api_key: [] }] : [])
  if (path.startsWith('/v1/')) expect(operation?.responses).toHaveProperty('4XX')
  if (path.includes('{'))
    expect(operation?.parameters).toContainEqual(expect.objectContaining({ in: 'path' }))
  for (const response of Object.values(operation?.responses ?? {})) {
    for (const body of Object.values(response.content ?? {}))
      expect(body.schema).toBeTypeOf('object')
  }
})

it('resolves every reference, and leaves no schema empty that has a shape', () => {
  const text = JSON.stringify(document)
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name,
  )

  expect(references.length).toBeGreaterThan(10)
  for (const name of references) expect(document.components.schemas).toHaveProperty(name ?? '')
  expect(document.components.schemas.JobSpecInput).toHaveProperty('properties.training')
  expect(document.paths['/v1/datasets']?.post?.requestBody?.content).toMatchObject({
    'application/json': { schema: { anyOf: expect.any(Array) } },
    'text/csv': { schema: { type: 'string' } },
  })
})

it('serves a reference page that loads from here alone', async () => {
  const page = await test.app.inject('/docs')
  const script = await test.app.inject('/docs/scalar.js')

  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(page.body).not.toMatch(/https?:\/\//)
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  expect(page.headers['content-security-policy']).toContain("connect-src 'self'")
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
  expect(script.body.length).toBeGreaterThan(1_000_000)
  expect((await test.app.inject('/')).headers.location).toBe('/docs')
})
