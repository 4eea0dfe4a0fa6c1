import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startStack, type TestStack } from '../support/stack.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))

let stack: TestStack
let home: string

beforeAll(async () => {
  stack = await startStack({ queue: 'postgres' })
  home = await mkdtemp(join(tmpdir(), 'trainyard-examples-'))
  const credentials = { base_url: stack.baseUrl, api_key: stack.apiKey }
  await writeFile(join(home, 'credentials.json'), JSON.stringify(credentials))
})

afterAll(async () => {
  await stack?.stop()
  if (home !== undefined) await rm(home, { recursive: true, force: true })
})

const programs = [
  ['TypeScript', process.execPath, 'examples/quickstart/quickstart.ts'],
  ['Python', 'python3', 'examples/quickstart/quickstart.py'],
] as const

it('has a search from coarse to fine that explains itself and registers its best trial', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/sweep/sweep.ts'], {
    cwd: CHECKOUT,
    env: { ...process.env, TRAINYARD_HOME: home },
  })

  expect(stdout).toContain('20 trials, about')
  expect(stdout).toMatch(/round 2: training.optimizer.learning_rate: the best 4 trials lie from/)
  expect(stdout).toMatch(/explains \d+ % of what differs/)
  expect(stdout).toContain('registered as digits version 1')
})

it('has a batch prediction whose result keeps the ids of the rows', async () => {
  const script = 'examples/batch-prediction/batch-prediction.ts'
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    cwd: CHECKOUT,
    env: { ...process.env, TRAINYARD_HOME: home },
  })

  expect(stdout).toContain('1000 rows by returns version 1 are the data set "returns 1 of ds_')
  expect(stdout).toContain('order, row, label, probability_0, probability_1\nA-0, 0, ')
})

// A bare machine has Node and perhaps no Python; the example is for those who have.
it.each(programs.filter(([, program]) => spawnSync(program, ['--version']).status === 0))(
  'has a quickstart in %s that trains on wine and names the first one',
  async (_, program, script) => {
    const { stdout } = await promisify(execFile)(program, [script], {
      cwd: CHECKOUT,
      env: { ...process.env, TRAINYARD_HOME: home },
    })

    expect(stdout).toContain('178 rows, 14 columns, classification of cultivar')
    expect(Number(/validation accuracy ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(0.95)
    expect(stdout).toContain('the first wine is of cultivar class_0')
  },
)
