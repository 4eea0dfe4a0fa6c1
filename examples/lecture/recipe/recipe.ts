/**
 * S24. The lecture's recipe: ReLU, He initialisation, batch normalisation in all layers but the first and the last, Adam.
 * Six hidden layers on digits for ten epochs: the recipe, then each part of it left out alone, then two, then all.
 * To be seen: the recipe learns and nothing of it learns nothing. Its parts help one another out: batch normalisation
 * makes up for a bad start, but without both the signal dies. A job that names only a data set is trained by the recipe.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const RECIPE = {
  activation: 'relu',
  initializer: 'he_normal' as string | object,
  batchNorm: true,
  optimizer: { type: 'adam', learning_rate: 0.001 },
}
const SIGMOID = { activation: 'sigmoid' }
const SMALL_WEIGHTS = { initializer: { type: 'normal', std: 0.01 } }
const NO_BATCH_NORM = { batchNorm: false }
const SGD = { optimizer: { type: 'sgd', learning_rate: 0.01 } }

const NETWORKS: Record<string, typeof RECIPE> = {
  'the recipe': RECIPE,
  'sigmoid for ReLU': { ...RECIPE, ...SIGMOID },
  'N(0, 0.01) for He': { ...RECIPE, ...SMALL_WEIGHTS },
  'no BN': { ...RECIPE, ...NO_BATCH_NORM },
  'SGD for Adam': { ...RECIPE, ...SGD },
  'N(0, 0.01), no BN': { ...RECIPE, ...SMALL_WEIGHTS, ...NO_BATCH_NORM },
  'nothing of it': { ...SIGMOID, ...SMALL_WEIGHTS, ...NO_BATCH_NORM, ...SGD },
}

export async function compareWithRecipe(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  return Promise.all(
    Object.entries(NETWORKS).map(async ([name, network]) => {
      const { activation, initializer, batchNorm, optimizer } = network
      const layer = { units: 64, activation, initializer }
      const { last } = await client.train({
        dataset_id,
        seed: 1,
        model: { hidden: [layer, ...Array(5).fill({ ...layer, batch_norm: batchNorm })] },
        training: { optimizer, batch_size: 32, epochs: 10 },
      })
      return { network: name, train_loss: last.train_loss, val_accuracy: last.val_accuracy }
    }),
  )
}

/** What the service makes of a job that names only a data set; nothing is trained. */
export async function readDefaults(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  const { resolved_config } = await client.call('POST', '/v1/jobs?dry_run=true', { dataset_id })
  const { model, training } = resolved_config
  return { hidden: model.hidden, optimizer: training.optimizer.type }
}

if (import.meta.main) {
  const client = await connect()
  printTable(await compareWithRecipe(client))
  const { hidden, optimizer } = await readDefaults(client)
  console.log(`\nWithout a word: ${optimizer}, and the hidden layers`)
  printTable(hidden)
}
