/**
 * S3. A multilayer perceptron solves XOR, which no single line can: the hidden layer bends the plane until one line is
 * enough. Two inputs, four hidden units, one output: 17 weights and biases. To be seen: all four rows right.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

export async function solveXor(client: Client) {
  const rows = [0, 1].flatMap((a) => [0, 1].map((b) => [a, b, a ^ b]))
  const dataset = { name: 'xor', columns: ['a', 'b', 'y'], rows, target: 'y' }
  const training = await client.train({
    dataset_id: await client.createDataset(dataset),
    seed: 1,
    // Four rows: there is nothing to keep back.
    validation: null,
    model: { hidden: [{ units: 4, activation: 'tanh' }] },
    training: {
      optimizer: { type: 'adam', learning_rate: 0.05 },
      batch_size: 'full',
      epochs: 300,
    },
  })
  const records = rows.map(([a, b]) => ({ a, b }))
  const { predictions } = await client.call('POST', `/v1/jobs/${training.id}/predict`, { records })
  return {
    parameters: training.parameterCount,
    loss: training.last.train_loss,
    accuracy: training.last.train_accuracy,
    table: rows.map(([a, b, y], i) => {
      const { label, probabilities } = predictions[i]
      return { a, b, y, predicted: Number(label), 'probability of 1': probabilities['1'] as number }
    }),
  }
}

if (import.meta.main) {
  const { table, ...outcome } = await solveXor(await connect())
  printTable(table)
  console.log(outcome)
}
