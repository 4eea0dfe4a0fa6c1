/**
 * How well the searches find: those of a sweep on digits, one fixed split, the same budget of trials, over several seeds; best
 * validation loss and epochs spent, with 95 % intervals of the mean. Below them Optuna's samplers and pruners on the same
 * objective: what is stored in `optuna-search.json`, or with `--optuna <Python that has it>` searched anew.
 * Usage: npm run bench:search [-- <seeds> <trials> <epochs> [--optuna python3]]
 */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Sweep } from '@trainyard/contracts'
import { summarizeRepeats } from '@trainyard/sweeps'
import { cloneDatabase } from '../../support/database.ts'
import { startStack } from '../../support/stack.ts'
import { startTestPostgres } from '../../support/test-postgres.ts'
import { PARAMETERS, toBase } from './digits-search.ts'

interface OptunaFigures {
  optuna: string
  trials: number
  epochs: number
  searches: { name: string; losses: number[]; epochs: number[] }[]
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { optuna: { type: 'string' } },
})
const [SEEDS = 10, TRIALS = 60, EPOCHS = 9] = positionals.map(Number)
const POLL_MS = 50
const FIRST_ROUND_SHARE = 2 / 3
const OPTUNA_FIGURES = fileURLToPath(new URL('optuna-search.json', import.meta.url))

const coarse = Math.round(TRIALS * FIRST_ROUND_SHARE)
const random = { method: 'random', max_trials: TRIALS }
const rungs = { min_epochs: 1, reduction: 3 }
const METHODS = {
  random,
  'coarse to fine': {
    method: 'coarse_to_fine',
    rounds: [{ trials: coarse }, { trials: TRIALS - coarse }],
  },
  tpe: { method: 'tpe', max_trials: TRIALS },
  // As Optuna searches below.
  'tpe, one trial at a time': { method: 'tpe', max_trials: TRIALS, max_parallel: 1 },
  'random, asha': { ...random, early_termination: { type: 'asha', ...rungs } },
  'random, hyperband': { ...random, early_termination: { type: 'hyperband', ...rungs } },
  'random, median': { ...random, early_termination: { type: 'median' } },
}

const postgres = await startTestPostgres()
const stack = await startStack({ queue: 'postgres', database: await cloneDatabase(postgres.url) })
const dataset = await call<{ id: string }>('POST', '/v1/datasets', {
  builtin: { generator: 'digits' },
})
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}; ${SEEDS} seeds, ${TRIALS} trials of at most ${EPOCHS} epochs`,
)
console.log('| search | best validation loss | epochs |\n|---|---|---|')
for (const [name, method] of Object.entries(METHODS)) {
  const losses: number[] = []
  const epochs: number[] = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const sweep = await search(seed, method)
    losses.push(sweep.best?.objective?.mean ?? Number.NaN)
    epochs.push(sweep.epochs)
  }
  printRow(name, losses, epochs)
}
await stack.stop()
await postgres.stop()
const optuna = await readOptuna()
for (const { name, losses, epochs } of optuna?.searches ?? []) printRow(name, losses, epochs)
process.exit(0)

async function search(seed: number, method: object): Promise<Sweep> {
  const { id } = await call<Sweep>('POST', '/v1/sweeps', {
    dataset_id: dataset.id,
    seed,
    ...method,
    base: toBase(EPOCHS),
    parameters: PARAMETERS,
  })
  for (;;) {
    const sweep = await call<Sweep>('GET', `/v1/sweeps/${id}`)
    if (sweep.status === 'succeeded') return sweep
    if (sweep.status === 'failed') throw new Error(sweep.error?.message)
    await delay(POLL_MS)
  }
}

async function call<Result>(method: string, path: string, body?: unknown): Promise<Result> {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${stack.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(JSON.stringify(answer))
  return answer as Result
}

/** null where what is stored was searched with another budget. */
async function readOptuna(): Promise<OptunaFigures | null> {
  if (flags.optuna !== undefined) {
    await writeFile(OPTUNA_FIGURES, await searchWithOptuna(flags.optuna))
  }
  const figures: OptunaFigures = JSON.parse(await readFile(OPTUNA_FIGURES, 'utf8'))
  return figures.trials === TRIALS && figures.epochs === EPOCHS ? figures : null
}

async function searchWithOptuna(python: string): Promise<string> {
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const trainer = [process.execPath, script('train-trials.ts'), String(EPOCHS)]
  const budget = [SEEDS, TRIALS, EPOCHS].map(String)
  const child = spawn(python, [script('optuna_search.py'), ...budget, ...trainer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const text = Buffer.concat(await child.stdout.toArray()).toString()
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
}

function printRow(name: string, losses: readonly number[], epochs: readonly number[]): void {
  console.log(`| ${name} | ${describe(losses, 4)} | ${describe(epochs, 0)} |`)
}

function describe(values: readonly number[], digits: number): string {
  const { mean = Number.NaN, confidence } = summarizeRepeats(values) ?? {}
  const half = confidence == null ? 0 : confidence.high - mean
  return `${mean.toFixed(digits)} ± ${half.toFixed(digits)}`
}
