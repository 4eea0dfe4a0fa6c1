/**
 * S21. Batch normalisation stands before the activation, scales by γ and shifts by β, which are learnt, and at test time
 * uses moving averages of mean and variance. To be seen: exactly that computation, done here by hand on the weights that
 * the service hands out, gives the logits that the service predicts.
 */
import { type Client, connect } from '../../client.ts'

interface Layer {
  /** [out][in] */
  weight: number[][]
  bias: number[]
  gamma: number[]
  beta: number[]
  running_mean: number[]
  running_var: number[]
}

const EPSILON = 1e-5

export async function predictByHand(client: Client) {
  const { id, parameterCount } = await client.train({
    dataset_id: await client.createDataset({ builtin: { generator: 'iris' } }),
    seed: 1,
    preprocessing: { numeric: 'none' },
    model: { hidden: [{ units: 8, activation: 'tanh', batch_norm: true }] },
    training: { optimizer: { type: 'adam', learning_rate: 0.01 }, batch_size: 16, epochs: 50 },
  })
  const flower = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }
  const body = { records: [flower], outputs: ['label', 'logits'] }
  const { predictions } = await client.call('POST', `/v1/jobs/${id}/predict`, body)
  const { layers } = await client.call('GET', `/v1/jobs/${id}/weights`)
  const [hidden, output]: [Layer, Layer] = layers
  const activations = dense(hidden, Object.values(flower)).map((z, i) => {
    const scale = at(hidden.gamma, i) / Math.sqrt(at(hidden.running_var, i) + EPSILON)
    return Math.tanh((z - at(hidden.running_mean, i)) * scale + at(hidden.beta, i))
  })
  return {
    parameters: parameterCount,
    label: predictions[0].label as string,
    byHand: dense(output, activations),
    served: predictions[0].logits as number[],
  }
}

/** z = W x + b */
function dense({ weight, bias }: Layer, x: number[]): number[] {
  return weight.map((row, i) => row.reduce((sum, w, j) => sum + w * at(x, j), at(bias, i)))
}

function at(values: number[], index: number): number {
  return values[index] ?? Number.NaN
}

if (import.meta.main) console.log(await predictByHand(await connect()))
