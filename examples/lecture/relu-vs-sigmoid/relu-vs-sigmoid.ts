/**
 * S15. "ReLU converges about 6 times faster than sigmoid-like units." Epochs of plain SGD until 95 % of the training
 * digits are read, with one, two and three hidden layers. To be seen: the factor grows with depth, since each sigmoid
 * hands back at most a quarter of the gradient; the lecture's 6 lies between one layer and two. Tanh, whose slope at
 * zero is 1, keeps up with ReLU on networks as shallow as these when it is initialised well.
 */
import { writeFile } from 'node:fs/promises'
import { type Client, connect } from '../../client.ts'
import { drawLines } from '../draw-lines.ts'
import { printTable } from '../print-table.ts'

const ACTIVATIONS = ['relu', 'tanh', 'sigmoid'] as const

export async function compareReluWithSigmoid(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  const train = (activation: string, layers: number) =>
    client.train({
      dataset_id,
      seed: 1,
      model: { hidden: Array(layers).fill({ units: 64, activation }) },
      training: { optimizer: { type: 'sgd', learning_rate: 0.05 }, batch_size: 32, epochs: 300 },
      limits: { target: { metric: 'train_accuracy', goal: 'maximize', value: 0.95 } },
    })
  const compare = async (layers: number) => {
    const [relu, tanh, sigmoid] = await Promise.all([
      train('relu', layers),
      train('tanh', layers),
      train('sigmoid', layers),
    ])
    return { layers, relu, tanh, sigmoid }
  }
  const trainings = await Promise.all([compare(1), compare(2), compare(3)])
  return {
    trainings,
    table: trainings.map(({ layers, relu, tanh, sigmoid }) => ({
      layers,
      relu: relu.last.epoch,
      tanh: tanh.last.epoch,
      sigmoid: sigmoid.last.epoch,
      'sigmoid / relu': sigmoid.last.epoch / relu.last.epoch,
    })),
  }
}

if (import.meta.main) {
  const { table, trainings } = await compareReluWithSigmoid(await connect())
  printTable(table)
  const picture = drawLines({
    title: 'Digits read, two hidden layers, SGD',
    x: 'epoch',
    y: 'training accuracy',
    lines: ACTIVATIONS.map((name) => ({
      name,
      points: (trainings[1]?.[name].epochs ?? []).map((row) => [row.epoch, row.train_accuracy]),
    })),
  })
  await writeFile(new URL('relu-vs-sigmoid.svg', import.meta.url), picture)
}
