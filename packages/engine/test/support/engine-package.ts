/** The package as a stranger gets it: built, packed by npm and installed into an empty project. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface InstalledEngine {
  /** A project whose `node_modules` holds the engine and nothing else. */
  project: string
  /** Where in it the engine lies. */
  folder: string
  remove(): void
}

export function installEngine(): InstalledEngine {
  const root = mkdtempSync(join(tmpdir(), 'trainyard-engine-'))
  const built = join(root, 'built')
  const project = join(root, 'project')
  const script = fileURLToPath(new URL('../../scripts/build-package.ts', import.meta.url))
  execFileSync(process.execPath, [script, built])
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const [packed] = JSON.parse(npm('pack', built, '--json')) as { filename: string }[]
  if (packed === undefined) throw new Error('npm packed nothing')
  npm('install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`)
  return {
    project,
    folder: join(project, 'node_modules/@trainyard/engine'),
    remove: () => rmSync(root, { recursive: true }),
  }
}

/** The first example of the README, as it stands there. */
export function readmeExample(): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const example = /```js\n(.*?)```/s.exec(readme)?.[1]
  if (example === undefined) throw new Error('the README has no example')
  return example
}

/** Lines to put behind the example: `sha256` of the weights it ended with, under Node and in browsers. */
export const HASH_THE_WEIGHTS = `
const weights = new Blob(network.weights().flatMap(({ weight, bias }) => [weight, bias]))
const digest = await crypto.subtle.digest('SHA-256', await weights.arrayBuffer())
const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
`
