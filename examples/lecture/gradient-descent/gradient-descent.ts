/**
 * S11. Gradient descent may take its gradient from all rows (full batch), from one (stochastic) or from a few
 * (mini-batch). An epoch is one pass over the data in each case. To be seen: 1,000 rows are 1, 1,000 or 16 iterations
 * an epoch (fifteen batches of 64 and a last one of 40, which is not dropped), and after as many epochs those who have
 * taken more steps are further down.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const BATCH_SIZES = ['full', 64, 1] as const

export async function compareBatchSizes(client: Client) {
  const moons = { generator: 'moons', rows: 1000, noise: 0.1, seed: 1 }
  const dataset_id = await client.createDataset({ builtin: moons })
  return Promise.all(
    BATCH_SIZES.map(async (batchSize) => {
      const { epochs, last } = await client.train({
        dataset_id,
        seed: 1,
        validation: null,
        model: { hidden: [{ units: 16 }] },
        training: {
          optimizer: { type: 'sgd', learning_rate: 0.1 },
          batch_size: batchSize,
          epochs: 20,
        },
      })
      return {
        batch: batchSize,
        'iterations an epoch': epochs[0]?.step,
        iterations: last.step,
        'loss after 20 epochs': last.train_loss,
      }
    }),
  )
}

if (import.meta.main) printTable(await compareBatchSizes(await connect()))
