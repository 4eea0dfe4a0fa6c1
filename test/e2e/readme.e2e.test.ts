import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startStack, type TestStack } from '../support/stack.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))

let stack: TestStack
let folder: string

beforeAll(async () => {
  stack = await startStack({ queue: 'postgres' })
  folder = await mkdtemp(join(tmpdir(), 'trainyard-readme-'))
})

afterAll(async () => {
  await stack?.stop()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

it('has a walk-through in its README that works as it stands', async () => {
  // A user's folder as `npm start` leaves it, but for the address.
  await mkdir(join(folder, '.trainyard'))
  const credentials = { base_url: stack.baseUrl, api_key: stack.apiKey }
  await writeFile(join(folder, '.trainyard/credentials.json'), JSON.stringify(credentials))
  await symlink(join(CHECKOUT, 'data'), join(folder, 'data'))
  const readme = await readFile(join(CHECKOUT, 'README.md'), 'utf8')
  const script = /## Walk through[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const here = script.replace('URL=http://127.0.0.1:3000', `URL=${stack.baseUrl}`)
  expect(here).not.toBe(script)

  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], {
    cwd: folder,
  })

  expect(stdout).toContain('"object":"training.job_quote"')
  expect(stdout).toMatch(/event: job\.created[\s\S]*event: job\.succeeded/)
  expect(stdout).toMatch(/"label":"setosa"/)
  expect(await readFile(join(folder, 'curves.svg'), 'utf8')).toContain('<svg')
  const weights = await readFile(join(folder, 'iris.safetensors'))
  const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE())).toString())
  expect(header['layers.0.weight']).toMatchObject({ dtype: 'F32', shape: [32, 4] })
})
