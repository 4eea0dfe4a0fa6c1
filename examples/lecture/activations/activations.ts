/**
 * S13. Two spirals wound into each other, the same network with each activation. To be seen: `linear` stays a straight
 * line however many layers there are, `step` hands back no gradient at all, `sigmoid` hands back too little to get
 * there in a hundred epochs; everything else unwinds them. And tanh(x) is 2σ(2x) − 1, the sigmoid stretched.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const ACTIVATIONS = [
  'linear',
  'step',
  'sigmoid',
  'tanh',
  'relu',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'silu',
  'softplus',
  'softsign',
]

export async function compareActivations(client: Client) {
  const spiral = { generator: 'spiral', rows: 500, noise: 0.03, seed: 1 }
  const dataset_id = await client.createDataset({ builtin: spiral })
  return Promise.all(
    ACTIVATIONS.map(async (activation) => {
      const { last } = await client.train({
        dataset_id,
        seed: 2,
        model: { hidden: Array(2).fill({ units: 32, activation }) },
        training: {
          optimizer: { type: 'adam', learning_rate: 0.01 },
          batch_size: 32,
          epochs: 100,
        },
      })
      const { train_loss, val_accuracy } = last
      return { activation, train_loss, val_accuracy }
    }),
  )
}

/** Both sides of tanh(x) = 2σ(2x) − 1. */
export async function compareTanhWithSigmoid(client: Client) {
  const evaluate = async (expression: string, x: number): Promise<number> => {
    const trace = await client.call('POST', '/v1/trace', { expression, variables: { x } })
    return trace.value
  }
  const rows = []
  for (const x of [-3, -1, -0.1, 0, 0.5, 2]) {
    rows.push({
      x,
      'tanh(x)': await evaluate('tanh(x)', x),
      '2σ(2x) − 1': await evaluate('2 * sigmoid(2 * x) - 1', x),
    })
  }
  return rows
}

if (import.meta.main) {
  const client = await connect()
  printTable(await compareActivations(client))
  printTable(await compareTanhWithSigmoid(client))
}
