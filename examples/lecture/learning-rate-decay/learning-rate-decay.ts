/**
 * S25. A learning rate that falls: by half or to a tenth every n epochs, or a little each epoch or step, perhaps after a
 * warm-up. To be seen: the learning rate that the service reports for each epoch is that of the formula, digit for digit
 * (e is the epoch from 0, E their number, t the steps before the epoch).
 */
import { writeFile } from 'node:fs/promises'
import { type Client, connect } from '../../client.ts'
import { drawLines } from '../draw-lines.ts'
import { printTable } from '../print-table.ts'

const RATE = 0.1
const EPOCHS = 30
/** 150 rows, 30 of them for validation, in batches of 16. */
const STEPS_PER_EPOCH = 8

const SCHEDULES = [
  {
    name: 'half every 10 epochs',
    spec: { type: 'step', every_epochs: 10, factor: 0.5 },
    formula: (e: number) => RATE * 0.5 ** Math.floor(e / 10),
  },
  {
    name: 'a tenth every 10 epochs',
    spec: { type: 'step', every_epochs: 10, factor: 0.1 },
    formula: (e: number) => RATE * 0.1 ** Math.floor(e / 10),
  },
  {
    name: 'a little each epoch',
    spec: { type: 'exponential', factor: 0.95 },
    formula: (e: number) => RATE * 0.95 ** e,
  },
  {
    name: 'a little each step',
    spec: { type: 'per_step', factor: 0.99 },
    formula: (e: number) => RATE * 0.99 ** (e * STEPS_PER_EPOCH),
  },
  {
    name: 'inverse time',
    spec: { type: 'inverse_time', decay: 0.1 },
    formula: (e: number) => RATE * (1 / (1 + 0.1 * e)),
  },
  {
    name: 'linear',
    spec: { type: 'linear' },
    formula: (e: number) => RATE * (1 - e / EPOCHS),
  },
  {
    name: 'cosine after a warm-up',
    spec: { type: 'cosine', warmup_epochs: 5 },
    formula: (e: number) =>
      Math.min((e + 1) / 5, 1) * RATE * 0.5 * (1 + Math.cos((Math.PI * e) / EPOCHS)),
  },
]

export async function compareSchedules(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'iris' } })
  return Promise.all(
    SCHEDULES.map(async ({ name, spec, formula }) => {
      const { epochs } = await client.train({
        dataset_id,
        seed: 1,
        model: { hidden: [{ units: 8 }] },
        training: {
          optimizer: { type: 'sgd', learning_rate: RATE },
          lr_schedule: spec,
          batch_size: 16,
          epochs: EPOCHS,
        },
      })
      return {
        name,
        reported: epochs.map((row) => row.learning_rate),
        formula: epochs.map((_, e) => formula(e)),
        loss: epochs.at(-1)?.train_loss,
      }
    }),
  )
}

if (import.meta.main) {
  const schedules = await compareSchedules(await connect())
  printTable(
    schedules.map(({ name, reported, formula, loss }) => ({
      name,
      'epoch 1': reported[0],
      'epoch 11': reported[10],
      'epoch 30': reported[29],
      'furthest from the formula': Math.max(
        ...reported.map((rate, e) => Math.abs(rate - (formula[e] ?? 0))),
      ),
      loss,
    })),
  )
  const picture = drawLines({
    title: 'Learning-rate schedules',
    x: 'epoch',
    y: 'learning rate',
    lines: schedules.map(({ name, reported }) => ({
      name,
      points: reported.map((rate, e) => [e + 1, rate]),
    })),
  })
  await writeFile(new URL('learning-rate-decay.svg', import.meta.url), picture)
}
