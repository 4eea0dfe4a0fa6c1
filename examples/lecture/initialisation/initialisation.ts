/**
 * S16. Ten tanh layers, before the first step, by how their weights were drawn. N(0, 0.01): the signal dies on its way up.
 * N(0, 1): the units saturate at −1 and 1, where tanh has no slope. Xavier, of variance 1/inputs: it stays alive to the top.
 * Zeros learn nothing, since all units of a layer are the same. With ReLU, which drops half of the signal, Xavier fades
 * and He (2/inputs) does not. To be seen: the spread of the outputs of each layer, and their histograms as a picture.
 */
import { writeFile } from 'node:fs/promises'
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'
import { drawHistograms, type Histogram } from './draw-histograms.ts'

const LAYERS = 10

const NETWORKS = {
  'zeros, tanh': { activation: 'tanh', initializer: 'zeros' },
  'N(0, 0.01), tanh': { activation: 'tanh', initializer: { type: 'normal', std: 0.01 } },
  'N(0, 1), tanh': { activation: 'tanh', initializer: { type: 'normal', std: 1 } },
  'Xavier, tanh': { activation: 'tanh', initializer: 'xavier_normal' },
  'Xavier, ReLU': { activation: 'relu', initializer: 'xavier_normal' },
  'He, ReLU': { activation: 'relu', initializer: 'he_normal' },
}

interface Layer {
  activation_std: number
  saturated_share: number | null
  histograms: { activations: Histogram }
}

export async function compareInitializers(client: Client) {
  const dataset_id = await client.createDataset({ builtin: { generator: 'digits' } })
  return Promise.all(
    Object.entries(NETWORKS).map(async ([name, { activation, initializer }]) => {
      const { id } = await client.train({
        dataset_id,
        seed: 1,
        model: { hidden: Array(LAYERS).fill({ units: 256, activation, initializer }) },
        // What is looked at is the network before its first step.
        training: { optimizer: { type: 'sgd', learning_rate: 1e-6 }, batch_size: 128, epochs: 1 },
      })
      const { data: observations } = await client.call('GET', `/v1/jobs/${id}/layers`)
      const layers: Layer[] = observations[0].layers.slice(0, LAYERS)
      return {
        name,
        spreads: layers.map((layer) => layer.activation_std),
        saturated: layers.at(-1)?.saturated_share,
        histograms: layers.map((layer) => layer.histograms.activations),
      }
    }),
  )
}

if (import.meta.main) {
  const networks = await compareInitializers(await connect())
  printTable(
    networks.map(({ name, spreads, saturated }) => ({
      network: name,
      'spread of layer 1': spreads[0],
      'layer 4': spreads[3],
      'layer 7': spreads[6],
      'layer 10': spreads[9],
      'saturated in layer 10': saturated,
    })),
  )
  const picture = drawHistograms({
    title: 'Outputs of ten tanh layers before the first step, from −1 to 1',
    columns: [1, 4, 7, 10].map((layer) => `layer ${layer}`),
    rows: networks.slice(1, 4).map(({ name, histograms }) => ({
      name,
      histograms: [0, 3, 6, 9].flatMap((i) => histograms[i] ?? []),
    })),
  })
  await writeFile(new URL('initialisation.svg', import.meta.url), picture)
}
