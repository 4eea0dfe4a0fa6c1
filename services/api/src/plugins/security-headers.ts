import helmet from '@fastify/helmet'
import type { App } from '../app.ts'

/**
 * Nothing that the API answers may run, be framed or load anything. The reference page under /docs needs its own script
 * and writes its own styles; it still reaches no other host. HSTS is the proxy's, which knows whether there is TLS.
 */
const NOTHING = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}
const REFERENCE_PAGE = {
  ...NOTHING,
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'font-src': ["'self'", 'data:'],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
}

export async function addSecurityHeaders(app: App): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  })
}

/** For the routes of the reference page. */
export const referencePageHeaders = {
  helmet: { contentSecurityPolicy: { useDefaults: false, directives: REFERENCE_PAGE } },
}
