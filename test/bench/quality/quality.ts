/**
 * How good is a model of which nothing but the data set was said? The shipped classifications against scikit-learn's
 * MLPClassifier and LogisticRegression (defaults, standardized) on the same splits, and a noisy sine against its noise
 * floor, over ten seeds. Without scikit-learn its columns stay empty. Prints the table of docs/quality.md.
 * Usage: npm run bench:quality [-- the Python that has scikit-learn]
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cell, Column, GeneratedDataset } from '@trainyard/contracts'
import { inputWidth, openTables } from '@trainyard/datasets'
import { resolveConfig } from '@trainyard/domain'
import { createNetwork, train } from '@trainyard/engine'
import { prepareTraining, toNetworkConfig, toTrainingOptions } from '@trainyard/model'

type Builtin = GeneratedDataset['builtin']

interface Part {
  inputs: number[][]
  targets: number[]
}

interface Run {
  /** Accuracy, or mean squared error in the target's own unit, of the epoch with the lowest validation loss. */
  best: number
  /** The same of the last epoch, which no look at the validation part has chosen. */
  last: number
  epochs: number
  seconds: number
  training: Part
  validation: Part
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
const PYTHON = process.argv[2] ?? 'python3'
const SCIKIT_LEARN = fileURLToPath(new URL('scikit_learn.py', import.meta.url))

const folder = await mkdtemp(join(tmpdir(), 'trainyard-quality-'))
const tables = await openTables({ folder })
try {
  print(
    'data set',
    'best epoch',
    'last epoch',
    'MLPClassifier',
    'LogisticRegression',
    'epochs',
    's',
  )
  print(...Array<string>(7).fill('---'))
  for (const generator of ['iris', 'wine', 'digits'] as const) {
    const runs = await runSeeds(() => ({ generator }))
    const peers = await scoreWithScikitLearn(runs)
    printRow(generator, runs, peers?.MLPClassifier, peers?.LogisticRegression)
  }
  const runs = await runSeeds((seed) => ({ generator: 'sine', rows: 500, noise: 0.1, seed }))
  print('data set', 'best epoch / floor', 'last epoch / floor', '', '', 'epochs', 's')
  printRow('sine', runs.map(toShareOfFloor))
} finally {
  await tables.close()
  await rm(folder, { recursive: true })
}

async function runSeeds(builtinOf: (seed: number) => Builtin): Promise<Run[]> {
  const runs: Run[] = []
  for (const seed of SEEDS) runs.push(await run(builtinOf(seed), seed))
  return runs
}

/** As the service does it for `{"dataset_id", "seed"}`. */
async function run(builtin: Builtin, seed: number): Promise<Run> {
  const { parquetPath, columns, target, rows, task } = await tables.ingestGenerated(builtin)
  const table = await tables.readTable(parquetPath, columns)
  const resolved = resolveConfig(
    { dataset_id: 'ds_1', seed },
    {
      dataset: { rows, columns, target, task },
      inputWidth: (preprocessing) => inputWidth(columns, preprocessing),
      initialModel: null,
      validationSet: null,
      testSet: null,
      drawSeed: () => seed,
    },
  )
  const startedMs = performance.now()
  const prepared = prepareTraining({ table, columns, target, resolved })
  const network = await createNetwork(toNetworkConfig(resolved), { seed: BigInt(seed) })
  const variance = (prepared.preprocessing.target?.scale ?? 1) ** 2
  const { training, validation } = prepared
  const scores = { best: Number.NaN, last: Number.NaN, epochs: 0 }
  for (const metrics of train(network, { ...toTrainingOptions(resolved), training, validation })) {
    scores.last = metrics.validationAccuracy ?? (metrics.validationLoss ?? Number.NaN) * variance
    if (metrics.isBest) scores.best = scores.last
    scores.epochs = metrics.epoch
  }
  const seconds = (performance.now() - startedMs) / 1000
  network.dispose()
  const cells = await tables.readRows(parquetPath, columns, { offset: 0, limit: rows })
  return {
    ...scores,
    seconds,
    training: toPart(cells, columns, prepared.trainingRowIndices),
    validation: toPart(cells, columns, prepared.validationRowIndices),
  }
}

/** The same rows as plain numbers, classes by their index. */
function toPart(cells: Cell[][], columns: readonly Column[], rows: Uint32Array): Part {
  const target = columns.findIndex(({ role }) => role === 'target')
  const levels = columns[target]?.levels ?? null
  const targetOf = (cell: Cell | undefined) =>
    levels === null ? Number(cell) : levels.indexOf(String(cell))
  return {
    inputs: [...rows].map((row) => (cells[row] ?? []).filter((_, c) => c !== target).map(Number)),
    targets: [...rows].map((row) => targetOf(cells[row]?.[target])),
  }
}

async function scoreWithScikitLearn(runs: Run[]): Promise<Record<string, number[]> | null> {
  const path = join(folder, 'splits.json')
  await writeFile(path, JSON.stringify(runs))
  const { status, stdout } = spawnSync(PYTHON, [SCIKIT_LEARN, path], { encoding: 'utf8' })
  return status === 0 ? JSON.parse(stdout) : null
}

/** The floor is what a model that knows the sine would have: the noise of the very rows that validate. */
function toShareOfFloor(run: Run): Run {
  const { inputs, targets } = run.validation
  const floor = mean(targets.map((y, i) => (y - Math.sin(inputs[i]?.[0] ?? 0)) ** 2))
  return { ...run, best: run.best / floor, last: run.last / floor }
}

function printRow(name: string, runs: Run[], ...peers: (number[] | undefined)[]): void {
  const of = (key: 'best' | 'last') => mean(runs.map((run) => run[key])).toFixed(4)
  const [mlp = '', linear = ''] = peers.map((scores) => scores && mean(scores).toFixed(4))
  const epochs = mean(runs.map((run) => run.epochs)).toFixed(0)
  const seconds = Math.max(...runs.map((run) => run.seconds)).toFixed(2)
  print(name, of('best'), of('last'), mlp, linear, epochs, seconds)
}

function print(...cells: string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
