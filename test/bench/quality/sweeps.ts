/**
 * How well the searches find: random, coarse to fine, TPE and random with ASHA on digits, one fixed split, the same budget
 * of trials, over several seeds; best validation loss and epochs spent, with 95 % intervals of the mean.
 * Usage: npm run bench:search [-- <seeds> <trials> <epochs>]
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sweep } from '@trainyard/contracts'
import { summarizeRepeats } from '@trainyard/sweeps'
import { cloneDatabase } from '../../support/database.ts'
import { startStack } from '../../support/stack.ts'
import { startTestPostgres } from '../../support/test-postgres.ts'

const [SEEDS = 10, TRIALS = 60, EPOCHS = 27] = process.argv.slice(2).map(Number)
const POLL_MS = 50
const FIRST_ROUND_SHARE = 2 / 3

const coarse = Math.round(TRIALS * FIRST_ROUND_SHARE)
const METHODS = {
  random: { method: 'random', max_trials: TRIALS },
  coarse_to_fine: {
    method: 'coarse_to_fine',
    rounds: [{ trials: coarse }, { trials: TRIALS - coarse }],
  },
  tpe: { method: 'tpe', max_trials: TRIALS },
  asha: {
    method: 'random',
    max_trials: TRIALS,
    early_termination: { type: 'asha', min_epochs: 1, reduction: 3 },
  },
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
  console.log(`| ${name} | ${describe(losses, 4)} | ${describe(epochs, 0)} |`)
}
await stack.stop()
await postgres.stop()
process.exit(0)

async function search(seed: number, method: object): Promise<Sweep> {
  const { id } = await call<Sweep>('POST', '/v1/sweeps', {
    dataset_id: dataset.id,
    seed,
    ...method,
    // The seed of the trainings is fixed, and with it the split.
    base: { seed: 1, training: { epochs: EPOCHS } },
    parameters: {
      'training.optimizer.learning_rate': { distribution: 'log_uniform', min: 1e-5, max: 1 },
      'training.batch_size': { distribution: 'int_log_uniform', min: 16, max: 256 },
      'training.regularization.l2': { distribution: 'log_uniform', min: 1e-6, max: 1e-1 },
      'model.input_dropout': { distribution: 'uniform', min: 0, max: 0.5 },
      'model.hidden': {
        values: [[{ units: 16 }], [{ units: 64 }], [{ units: 64 }, { units: 32 }]],
      },
    },
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

function describe(values: readonly number[], digits: number): string {
  const { mean = Number.NaN, confidence } = summarizeRepeats(values) ?? {}
  const half = confidence == null ? 0 : confidence.high - mean
  return `${mean.toFixed(digits)} ± ${half.toFixed(digits)}`
}
