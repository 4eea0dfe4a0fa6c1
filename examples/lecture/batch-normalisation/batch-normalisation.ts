/**
 * S22. Batch normalisation allows high learning rates and less care in initialisation. Eight ReLU layers at learning
 * rate 0.5, then four layers whose weights start far too small (no signal) or far too large (it explodes), each without
 * and with it. To be seen: without it the training diverges or does not get started; with it all of them learn.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const TRIALS = [
  { trial: 'learning rate 0.5', layers: 8, rate: 0.5, initializer: 'he_normal' },
  { trial: 'weights N(0, 0.01)', layers: 4, rate: 0.1, initializer: { type: 'normal', std: 0.01 } },
  { trial: 'weights N(0, 1)', layers: 4, rate: 0.1, initializer: { type: 'normal', std: 1 } },
]

export async function compareBatchNorm(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  const train = async ({ layers, rate, initializer }: (typeof TRIALS)[number], isOn: boolean) => {
    const { error, last } = await client.train({
      dataset_id,
      seed: 1,
      model: { hidden: Array(layers).fill({ units: 64, initializer, batch_norm: isOn }) },
      training: { optimizer: { type: 'sgd', learning_rate: rate }, batch_size: 32, epochs: 15 },
    })
    // Of a training that diverges, the epochs before it count for nothing.
    return error === null ? last.val_accuracy : error.code
  }
  return Promise.all(
    TRIALS.map(async (trial) => {
      const [without, withIt] = await Promise.all([train(trial, false), train(trial, true)])
      return { trial: trial.trial, 'without BN': without, 'with BN': withIt }
    }),
  )
}

if (import.meta.main) printTable(await compareBatchNorm(await connect()))
