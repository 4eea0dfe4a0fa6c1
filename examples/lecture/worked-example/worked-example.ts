/**
 * S6. The worked example: f = W2 (W1 x + b1) + b2 with x = 1, W1 = 2, b1 = 3, W2 = 4, b2 = 5. Forward: W1 x = 2, a = 5,
 * W2 a = 20, f = 25. Backward from a gradient of 2: a sum hands it on, a product multiplies it by the other factor. One
 * step down at a learning rate of 0.1. To be seen: the same step by a trace and by a training job that starts at these
 * weights, whose loss (f − 24)² has the gradient 2 at f = 25.
 */
import { type Client, connect } from '../../client.ts'
import { printTable } from '../print-table.ts'

const LEARNING_RATE = 0.1
const HIDDEN = [{ units: 1, activation: 'linear' }]
const LAYERS: Layer[] = [
  { weight: [[2]], bias: [3] },
  { weight: [[4]], bias: [5] },
]

interface Layer {
  /** [out][in] */
  weight: number[][]
  bias: number[]
}

export async function workExample(client: Client) {
  const trace = await stepByTrace(client)
  const afterJob = await stepByJob(client)
  return {
    output: trace.output,
    table: ['W1', 'b1', 'W2', 'b2'].map((name, i) => ({
      parameter: name,
      value: flat(LAYERS)[i],
      gradient: trace.gradients[i],
      'after the step of the trace': trace.afterStep[i],
      'of the job': afterJob[i],
    })),
  }
}

async function stepByTrace(client: Client) {
  const { outputs, layers } = await client.call('POST', '/v1/trace', {
    network: { inputs: 1, hidden: HIDDEN, outputs: 1, layers: LAYERS },
    sample: { inputs: [1] },
    upstream_gradient: 2,
    learning_rate: LEARNING_RATE,
  })
  return {
    output: outputs[0] as number,
    gradients: flat(layers.map((layer: { gradients: Layer }) => layer.gradients)),
    afterStep: flat(layers.map((layer: { after_step: Layer }) => layer.after_step)),
  }
}

async function stepByJob(client: Client): Promise<number[]> {
  const { model, version } = await client.call('POST', '/v1/models', {
    name: 'worked-example',
    architecture: { inputs: 1, hidden: HIDDEN, outputs: 1, task: 'regression' },
    weights: { format: 'trainyard/1', layers: LAYERS },
  })
  const { id } = await client.train({
    dataset_id: await client.createDataset({ columns: ['x', 'y'], rows: [[1, 24]], target: 'y' }),
    preprocessing: { numeric: 'none' },
    model: { hidden: HIDDEN },
    training: {
      loss: 'mse',
      optimizer: { type: 'sgd', learning_rate: LEARNING_RATE },
      batch_size: 1,
      epochs: 1,
    },
    initial_weights: { model, version },
  })
  const { layers } = await client.call('GET', `/v1/jobs/${id}/weights?which=last`)
  return flat(layers)
}

/** In the order W1, b1, W2, b2. */
function flat(layers: Layer[]): number[] {
  return layers.flatMap(({ weight, bias }) => [...weight.flat(), ...bias])
}

if (import.meta.main) {
  const { output, table } = await workExample(await connect())
  console.log(`f = ${output}`)
  printTable(table)
}
