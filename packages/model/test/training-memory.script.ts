/** Trains one job as a worker's thread does, and prints by how much the process grew and what was planned. */
import type { Column, ResolvedConfig } from '@trainyard/contracts'
import type { Table } from '@trainyard/datasets'
import { createNetwork, train } from '@trainyard/engine'
import {
  packLayers,
  planTraining,
  prepareTraining,
  toNetworkConfig,
  toTrainingOptions,
} from '../src/index.ts'
import { makeResolved } from '../src/resolved-config.fixture.ts'

const [rows = 0, features = 0, units = 0] = process.argv.slice(2).map(Number)

// What every process has, whatever its job: modules, kernels, optimized code.
await trainJob(100, 4, 16)
const before = process.resourceUsage().maxRSS
const planned = await trainJob(rows, features, units)
const after = process.resourceUsage().maxRSS
console.log(JSON.stringify({ planned, measured: (after - before) * 1024 }))

async function trainJob(rows: number, features: number, units: number): Promise<number> {
  const resolved = resolve(features, units)
  const names = [...Array.from({ length: features }, (_, i) => `x${i}`), 'y']
  const columns = names.map(describe)
  const table = makeTable(names, rows)
  const { training, validation } = prepareTraining({ table, columns, target: 'y', resolved })
  const network = await createNetwork(toNetworkConfig(resolved), { seed: 1n })
  // All of them and both weights are held: the collector may keep what a worker has no more use for.
  const checkpoints: Uint8Array[] = []
  const run = train(network, {
    ...toTrainingOptions(resolved),
    ...{ training, validation },
    onBatch: () => (checkpoints.length < 3 ? 'checkpoint' : false),
    onCheckpoint: (bytes) => checkpoints.push(bytes),
    onEnd: (bytes) => checkpoints.push(bytes),
  })
  while (!run.next().done);
  const weights = (['best', 'last'] as const).map((which) => network.weights(which))
  const packed = weights.map(packLayers)
  if ([...packed, ...checkpoints].some((bytes) => bytes.byteLength === 0))
    throw new Error('there are no weights')
  const split = { trainingRows: training.rows, validationRows: validation?.rows ?? 0, testRows: 0 }
  return planTraining({ resolved, dataset: { columns, rows }, heldOut: [], split }).memoryBytes
}

function resolve(inputs: number, units: number): ResolvedConfig {
  const resolved = makeResolved({ inputs, outputs: 1, epochs: 2, task: 'regression' })
  const layer = {
    units,
    activation: 'relu',
    initializer: 'auto',
    batch_norm: false,
    dropout: 0,
  } as const
  return { ...resolved, model: { ...resolved.model, hidden: [layer, layer] } }
}

function describe(name: string): Column {
  const role = name === 'y' ? 'target' : 'feature'
  return { name, type: 'number', role, missing: 0, min: -1, max: 1, mean: 0, std: 1, levels: null }
}

/** Columns of one shared buffer, as a worker's cache holds them. */
function makeTable(names: string[], rows: number): Table {
  const buffer = new SharedArrayBuffer(names.length * rows * Float64Array.BYTES_PER_ELEMENT)
  const columns: Table['columns'] = new Map()
  for (const [i, name] of names.entries()) {
    const values = new Float64Array(buffer, i * rows * Float64Array.BYTES_PER_ELEMENT, rows)
    for (let row = 0; row < rows; row++) values[row] = Math.sin(row * (i + 1))
    columns.set(name, { type: 'number', values })
  }
  return { rows, columns }
}
