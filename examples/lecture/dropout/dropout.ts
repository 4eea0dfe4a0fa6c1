/**
 * S19. Dropout switches units off at random while training, so that none may rely on another. A hundred noisy points
 * train a network that could learn them by heart; three hundred others test it. To be seen: with dropout the training
 * loss is higher and the validation loss lower, so the gap between them closes. Nothing is to be done at test time:
 * kept units are divided by the probability to be kept while training (inverted dropout).
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

export async function compareDropout(client: Client) {
  const moons = { generator: 'moons', rows: 400, noise: 0.35, seed: 1 }
  const dataset_id = await client.createDataset({ builtin: moons })
  return Promise.all(
    [0, 0.2, 0.5].map(async (dropout) => {
      const { last } = await client.train({
        dataset_id,
        seed: 1,
        validation: { fraction: 0.75 },
        model: { hidden: Array(2).fill({ units: 64, dropout }) },
        training: {
          optimizer: { type: 'adam', learning_rate: 0.003 },
          batch_size: 32,
          epochs: 300,
        },
      })
      const { train_loss, val_loss } = last
      return { dropout, train_loss, val_loss, gap: Number(val_loss) - Number(train_loss) }
    }),
  )
}

if (import.meta.main) printTable(await compareDropout(await connect()))
