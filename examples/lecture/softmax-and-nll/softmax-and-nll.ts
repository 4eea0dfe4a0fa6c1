/**
 * S7, S8. Softmax makes probabilities of scores: 6.5, 2.0, 3.3 become 0.95, 0.01, 0.04. The loss of the first class is
 * −ln 0.95 = 0.0513 (the slide's 0.022 is −log10 0.95), and its gradient by the scores is p − y. To be seen: those
 * numbers, and that the loss stays finite where a probability is 0: it is computed from the scores by log-sum-exp, so
 * there is no small number to add. The scores of the trace are the biases of a network whose weights are 0.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

export async function traceSoftmax(client: Client, scores: number[], target: number) {
  const { probabilities, loss, layers } = await client.call('POST', '/v1/trace', {
    network: {
      inputs: 1,
      outputs: scores.length,
      loss: 'cross_entropy',
      layers: [{ weight: scores.map(() => [0]), bias: scores }],
    },
    sample: { inputs: [0], target },
  })
  return {
    probabilities: probabilities as number[],
    loss: loss as number,
    gradient: layers[0].delta as number[],
  }
}

/** One row of six contradicts the others, and the first step is a wild one: the truth of that row gets probability 0. */
export async function trainIntoCertainty(client: Client) {
  const labels = ['a', 'a', 'a', 'a', 'b', 'c']
  const dataset = {
    columns: ['x', 'y'],
    rows: labels.map((y) => [y === 'c' ? -1000 : 1000, y]),
    target: 'y',
  }
  const { id, epochs } = await client.train({
    dataset_id: await client.createDataset(dataset),
    seed: 1,
    preprocessing: { numeric: 'none' },
    model: { hidden: [], output: { initializer: 'zeros' } },
    training: { optimizer: { type: 'sgd', learning_rate: 1 }, batch_size: 'full', epochs: 2 },
  })
  const body = { rows: [[1000]], which: 'last', outputs: ['probabilities'] }
  const { predictions } = await client.call('POST', `/v1/jobs/${id}/predict`, body)
  return {
    losses: epochs.map((row) => row.train_loss),
    probabilities: predictions[0].probabilities as Record<string, number>,
  }
}

if (import.meta.main) {
  const client = await connect()
  const slide = await traceSoftmax(client, [6.5, 2, 3.3], 0)
  const certain = await traceSoftmax(client, [1000, 0, 0], 1)
  printTable(
    [slide, certain].map(({ probabilities, loss, gradient }) => ({
      probabilities: probabilities.map((p) => p.toFixed(2)).join(' '),
      loss,
      gradient: gradient.map((g) => g.toFixed(2)).join(' '),
    })),
  )
  console.log(await trainIntoCertainty(client))
}
