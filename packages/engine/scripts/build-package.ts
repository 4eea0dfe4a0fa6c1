/**
 * Writes the package as it can be published, plain JavaScript with types and kernels, to a folder:
 * `node scripts/build-package.ts [folder]`, default build/package. In this repository the sources run
 * as they are; from `node_modules` Node runs no TypeScript, and a browser never does.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageDirectory = fileURLToPath(new URL('..', import.meta.url))
const folder = resolve(process.argv[2] ?? join(packageDirectory, 'build/package'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
execFileSync(
  process.execPath,
  [typescriptCompiler(), '-p', join(packageDirectory, 'tsconfig.package.json'), '--outDir', folder],
  { stdio: 'inherit' },
)
for (const file of ['build/fused.wasm', 'build/unfused.wasm', 'README.md', 'formulas.md']) {
  cpSync(join(packageDirectory, file), join(folder, file))
}
cpSync(join(packageDirectory, '../../LICENSE'), join(folder, 'LICENSE'))
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(toPublished(), null, 2)}\n`)

/** The manifest of this package with each source replaced by what was compiled from it. */
function toPublished(): object {
  const { name, version, description, license, type, engines, exports } = JSON.parse(
    readFileSync(join(packageDirectory, 'package.json'), 'utf8'),
  ) as Record<string, unknown> & { exports: Record<string, string> }
  const compiled = Object.entries(exports).map(([entry, source]) => {
    const stem = source.replace(/\.ts$/, '')
    return [entry, { types: `${stem}.d.ts`, default: `${stem}.js` }]
  })
  return {
    ...{ name, version, description, license, type, engines, sideEffects: false },
    exports: Object.fromEntries(compiled),
    files: ['src', 'build', 'formulas.md'],
  }
}

function typescriptCompiler(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  return join(dirname(manifest), 'bin/tsc')
}
