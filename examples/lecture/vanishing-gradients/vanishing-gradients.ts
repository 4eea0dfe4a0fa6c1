/**
 * S14. A sigmoid has a slope of a quarter at most and of almost nothing where it saturates, and each layer multiplies
 * the gradient on its way down by it. Eight hidden layers on digits, sigmoid against ReLU. To be seen: the norm of the
 * gradient layer by layer before the first step. At the bottom of the sigmoid network next to nothing arrives, and after
 * ten epochs it has learnt nothing.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const LAYERS = 8

export async function compareGradients(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  const train = async (activation: string) => {
    const { id, last } = await client.train({
      dataset_id,
      seed: 1,
      model: { hidden: Array(LAYERS).fill({ units: 64, activation }) },
      training: { optimizer: { type: 'sgd', learning_rate: 0.05 }, batch_size: 64, epochs: 10 },
    })
    const { data: observations } = await client.call('GET', `/v1/jobs/${id}/layers`)
    // Epoch 0 is the network as it was initialised.
    const norms: number[] = observations[0].layers.map(
      (layer: { gradient_norm: number }) => layer.gradient_norm,
    )
    return { norms, accuracy: last.train_accuracy }
  }
  const [sigmoid, relu] = await Promise.all([train('sigmoid'), train('relu')])
  return {
    accuracy: { sigmoid: sigmoid.accuracy, relu: relu.accuracy },
    table: Array.from({ length: LAYERS }, (_, i) => ({
      layer: i + 1,
      'gradient with sigmoid': sigmoid.norms[i],
      'gradient with ReLU': relu.norms[i],
    })),
  }
}

if (import.meta.main) {
  const { table, accuracy } = await compareGradients(await connect())
  printTable(table)
  console.log('training accuracy after ten epochs:', accuracy)
}
