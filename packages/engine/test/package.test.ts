import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBrowser, runInBrowser } from './support/browser.ts'
import {
  HASH_THE_WEIGHTS,
  type InstalledEngine,
  installEngine,
  readmeExample,
} from './support/engine-package.ts'

const CONSUMER = `
import { createNetwork, type EpochMetrics, type NetworkConfig, train } from '@trainyard/engine'
import { planNetwork } from '@trainyard/engine/plan'
const initializer = { type: 'zeros' } as const
const config: NetworkConfig = { inputs: 1, layers: [{ units: 1, activation: 'linear', initializer }], loss: 'mse' }
const data = { rows: 2, inputs: Float32Array.of(0, 1), targets: Float32Array.of(1, 3) }
const options = { training: data, validation: null, batchSize: 2, epochs: 1, shuffle: false, seed: 1n, earlyStopping: null }
const sgd = { type: 'sgd', learningRate: 0.1 } as const
const epochs: EpochMetrics[] = [...train(await createNetwork(config, { seed: 1n }), { ...options, optimizer: sgd })]
// @ts-expect-error Layers are not numbers.
planNetwork({ network: { ...config, layers: [1] }, optimizer: 'sgd', batchSize: 1, trainingRows: 1, validationRows: 0 })
epochs.map(({ trainLoss }) => trainLoss.toFixed(3))
`

let engine: InstalledEngine

beforeAll(() => {
  engine = installEngine()
}, 30_000)

afterAll(() => engine.remove())

/** The hash of the weights that the README's example ends with under Node, from the packed package. */
function hashUnderNode(): string {
  writeFileSync(
    join(engine.project, 'example.js'),
    `${readmeExample()}${HASH_THE_WEIGHTS}console.log(sha256)`,
  )
  const lines = run(process.execPath, 'example.js').trimEnd().split('\n')
  return lines.at(-1) ?? ''
}

describe('the package as npm packs it', () => {
  it('runs the ten lines of the README as they stand there, and they learn XOR', () => {
    const example = readmeExample()
    writeFileSync(join(engine.project, 'readme.js'), example)

    const output = run(process.execPath, 'readme.js')

    expect(example.split('\n').filter((line) => line !== '')).toHaveLength(10)
    const losses = [...output.matchAll(/^\d+ (0\.\d+)$/gm)].map(([, loss]) => Number(loss))
    expect(losses.at(-1)).toBeLessThan(0.01)
    const logits = /Float32Array\(4\) \[(.*)\]/s.exec(output)?.[1]?.split(',').map(Number)
    expect(logits?.map((logit) => logit > 0)).toEqual([false, true, true, false])
  })

  it('has types: a strict consumer compiles, and a wrong one does not', () => {
    writeFileSync(join(engine.project, 'consumer.ts'), CONSUMER)
    const compiler = fileURLToPath(import.meta.resolve('typescript/package.json'))
    const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022']
    const libraries = ['--lib', 'es2023,dom', '--types', '']

    const compile = () =>
      run(process.execPath, join(compiler, '../bin/tsc'), ...flags, ...libraries, 'consumer.ts')

    expect(compile).not.toThrow()
  })
})

const browser = findBrowser()
// A suite left out for want of a browser fails where one was promised.
const isLeftOut = browser === null && process.env.TRAINYARD_REQUIRE_BROWSER !== '1'

describe.skipIf(isLeftOut)('a page in a browser (needs chromium)', () => {
  it.each([
    ['isolated from other origins', true],
    ['served without headers', false],
  ])(
    'trains to the same bits as Node: %s',
    async (_name, isolated) => {
      const module = `${readmeExample()}${HASH_THE_WEIGHTS}report({ sha256, isolated: crossOriginIsolated })`

      const reported = await runInBrowser(browser ?? 'chromium', {
        engineFolder: engine.folder,
        module,
        isolated,
      })

      expect(reported).toEqual({ sha256: hashUnderNode(), isolated })
    },
    30_000,
  )
})

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: engine.project, encoding: 'utf8' })
}
