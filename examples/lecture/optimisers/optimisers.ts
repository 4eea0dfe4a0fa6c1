/**
 * S23. SGD, momentum (μ 0.95 and 0.99), RMSProp (ρ 0.99, ε inside the root) and Adam as the slides have them, which is
 * without bias correction and with ε 1e-7, and Adam as it is in practice. Epochs until the loss on digits is 0.1.
 * To be seen: momentum is many times quicker than SGD at the same learning rate. The slide's Adam outruns the corrected
 * one here: its first steps are about √10 times as long.
 */
import { writeFile } from 'node:fs/promises'
import { type Client, connect } from '../../client.ts'
import { drawLines } from '../draw-lines.ts'
import { printTable } from '../print-table.ts'

const OPTIMIZERS = {
  SGD: { type: 'sgd', learning_rate: 0.01 },
  'momentum 0.95': { type: 'momentum', momentum: 0.95, learning_rate: 0.01 },
  // Steps in one direction add up to 1/(1 − μ) of them, a hundred instead of twenty: the rate is a fifth.
  'momentum 0.99': { type: 'momentum', momentum: 0.99, learning_rate: 0.002 },
  RMSProp: { type: 'rmsprop', rho: 0.99, learning_rate: 0.001 },
  'Adam of the slide': {
    type: 'adam',
    bias_correction: false,
    epsilon: 1e-7,
    learning_rate: 0.001,
  },
  Adam: { type: 'adam', learning_rate: 0.001 },
}

export async function compareOptimizers(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  return Promise.all(
    Object.entries(OPTIMIZERS).map(async ([name, optimizer]) => {
      const { epochs, last } = await client.train({
        dataset_id,
        seed: 1,
        model: { hidden: Array(2).fill({ units: 64 }) },
        training: { optimizer, batch_size: 64, epochs: 150 },
        limits: { target: { metric: 'train_loss', goal: 'minimize', value: 0.1 } },
      })
      return { name, epochs, 'epochs to 0.1': last.epoch, loss: last.train_loss }
    }),
  )
}

if (import.meta.main) {
  const trainings = await compareOptimizers(await connect())
  printTable(trainings.map(({ epochs, ...row }) => row))
  const picture = drawLines({
    title: 'Optimisers on digits, until the loss is 0.1',
    x: 'epoch',
    y: 'training loss',
    lines: trainings.map(({ name, epochs }) => ({
      name,
      points: epochs.slice(0, 25).map((row) => [row.epoch, row.train_loss]),
    })),
  })
  await writeFile(new URL('optimisers.svg', import.meta.url), picture)
}
