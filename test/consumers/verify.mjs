/** Unpacks the bundle and lets it verify itself: `node verify.mjs <folder>`. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unzip } from './unzip.mjs'

const [, , folder] = process.argv
for (const [name, content] of unzip(readFileSync(join(folder, 'bundle.zip')))) {
  const path = join(folder, 'bundle', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bundle/verify.mjs')])
if (status !== 0) throw new Error(stderr.toString())
process.stdout.write('{}')
