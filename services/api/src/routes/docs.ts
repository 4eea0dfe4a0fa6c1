/**
 * The reference page: Scalar over /openapi.json. Its script is five megabytes of text inside its package, so it is loaded
 * when somebody first opens the page. Everything comes from this server.
 */
import Fastify from 'fastify'
import type { App } from '../app.ts'
import { referencePageHeaders } from '../plugins/security-headers.ts'

const CONFIGURATION = {
  url: '/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  theme: 'default',
  showDeveloperTools: 'never',
  // Beside the routes under "Models" its own word for schemas would stand twice.
  modelsSectionLabel: 'Schemas',
  authentication: { preferredSecurityScheme: 'api_key' },
}

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Trainyard API</title>
  </head>
  <body>
    <div id="api-reference" data-configuration="${JSON.stringify(CONFIGURATION).replaceAll('"', '&quot;')}"></div>
    <script src="/docs/scalar.js"></script>
  </body>
</html>
`

export function addDocs(app: App): void {
  let script: Promise<string> | null = null
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs', 302))
  app.get('/docs', { schema: { hide: true }, ...referencePageHeaders }, async (_request, reply) => {
    return await reply.type('text/html; charset=utf-8').send(PAGE)
  })
  app.get('/docs/scalar.js', { schema: { hide: true } }, async (_request, reply) => {
    script ??= loadScript()
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=3600')
    return await reply.send(await script)
  })
}

/** The package hands its script out only as a route of its plugin. */
async function loadScript(): Promise<string> {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const host = Fastify()
  await host.register(scalar, { routePrefix: '/', configuration: { url: '/openapi.json' } })
  const response = await host.inject('/js/scalar.js')
  await host.close()
  if (response.statusCode !== 200)
    throw new Error('the script of the reference page is not where it was')
  return response.body
}
