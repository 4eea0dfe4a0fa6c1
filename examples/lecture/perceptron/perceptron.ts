/**
 * S1, S2. The perceptron of 1958: a weighted sum and a step function, learnt by its own rule, w += η (y − ŷ) x. To be
 * seen: it learns AND and OR without a mistake, since one line parts their ones from their zeros. No line does so for
 * XOR: the perceptron goes round in circles, and the diagnosis says why and what to do (what comes of that: ../xor/).
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

export async function teachGates(client: Client) {
  return Promise.all(
    ['and', 'or', 'xor'].map(async (generator) => {
      const { id, epochs } = await client.train({
        dataset_id: await client.createDataset({ builtin: { generator } }),
        seed: 1,
        model: { hidden: [], output: { activation: 'step' } },
        training: { optimizer: { type: 'perceptron', learning_rate: 0.1 }, epochs: 60 },
      })
      // The loss of a perceptron is its error rate.
      const flawless = epochs.find((row) => row.train_loss === 0)
      const { findings } = await client.call('GET', `/v1/jobs/${id}/diagnosis`)
      return {
        gate: generator,
        'mistakes in the last epoch': Number(epochs.at(-1)?.train_loss) * 4,
        'first epoch without': flawless?.epoch ?? 'none of 60',
        diagnosis: findings.map((finding: { message: string }) => finding.message).join('; '),
      }
    }),
  )
}

if (import.meta.main) printTable(await teachGates(await connect()))
