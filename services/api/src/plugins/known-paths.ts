/** Knows which methods a path has, so that a wrong method is a 405 that says the right ones. */
import type { App } from '../app.ts'

declare module 'fastify' {
  interface FastifyInstance {
    methodsOf(path: string): string[]
  }
}

export function addKnownPaths(app: App): void {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`)
    routes.push({ pattern, methods: [method].flat() })
  })
  app.decorate('methodsOf', (path: string) => [
    ...new Set(
      routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods),
    ),
  ])
}
