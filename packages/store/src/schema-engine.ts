/** Prisma's schema engine as WebAssembly, bound to a database. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type pg from 'pg'

export const PRISMA_FOLDER = fileURLToPath(new URL('../../../prisma/', import.meta.url))
export const SCHEMA_PATH = `${PRISMA_FOLDER}schema.prisma`

let bindings: ReturnType<typeof loadBindings> | null = null

/** What the engine asks of the database goes over `pool`; it never closes it. */
export async function openSchemaEngine(pool: pg.Pool) {
  // Once per process: the package keeps its instance in a module variable, and a second one breaks the first.
  bindings ??= loadBindings()
  const { SchemaEngine } = await bindings
  return SchemaEngine.new(
    { datamodels: [[SCHEMA_PATH, await readFile(SCHEMA_PATH, 'utf8')]] },
    // The engine logs each statement; what matters of a failure is in the error it throws.
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool)),
  )
}

/** Instantiated by hand: the package's own entry imports the .wasm as a module, which Node still calls experimental. */
async function loadBindings() {
  const loaded = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const wasm = await readFile(join(dirname(entry), 'schema_engine_bg.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, {
    './schema_engine_bg.js': loaded as unknown as WebAssembly.ModuleImports,
  })
  loaded.__wbg_set_wasm(instance.exports)
  const start = instance.exports.__wbindgen_start as () => void
  start()
  return loaded
}
