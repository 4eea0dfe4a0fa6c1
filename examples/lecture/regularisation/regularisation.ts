/**
 * S18. A penalty on the weights keeps a network simple: L2 (ΣW²) makes all of them small, L1 (Σ|W|) makes most of them
 * zero, the elastic net does some of both. To be seen: what is left of the weights of the same network; the data loss
 * and the penalty stand apart in the metrics. The learning rate falls to zero, or the last steps would toss the weights
 * that L1 holds at zero about.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const PENALTIES = {
  none: null,
  L2: { l2: 0.001 },
  L1: { l1: 0.001 },
  elastic: { l1: 0.0005, l2: 0.0005 },
}
const ALMOST_ZERO = 1e-3

export async function comparePenalties(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  return Promise.all(
    Object.entries(PENALTIES).map(async ([name, regularization]) => {
      const { id, last } = await client.train({
        dataset_id,
        seed: 1,
        model: { hidden: [{ units: 32 }] },
        training: {
          optimizer: { type: 'adam', learning_rate: 0.005 },
          lr_schedule: { type: 'cosine' },
          regularization,
          batch_size: 32,
          epochs: 60,
        },
      })
      const { layers } = await client.call('GET', `/v1/jobs/${id}/weights?which=last`)
      const weights: number[] = layers.flatMap((layer: { weight: number[][] }) =>
        layer.weight.flat(),
      )
      return {
        penalty: name,
        'share of weights that are 0': share(weights, (w) => Math.abs(w) < ALMOST_ZERO),
        'norm of the weights': Math.hypot(...weights),
        train_loss: last.train_loss,
        train_penalty: last.train_penalty,
        val_loss: last.val_loss,
        val_accuracy: last.val_accuracy,
      }
    }),
  )
}

function share(weights: number[], is: (weight: number) => boolean): number {
  return weights.filter(is).length / weights.length
}

if (import.meta.main) printTable(await comparePenalties(await connect()))
