import type { TrainingData } from './backend.ts'
import { assertCount, classCount, isRegression, type NetworkConfig, targetWidth } from './config.ts'
import { EngineError } from './errors.ts'

/**
 * Throws `invalid_data` unless lengths fit the network and class targets are classes it has: the
 * kernels index by them. NaN among inputs or regression targets is allowed and ends as divergence.
 */
export function assertTrainingData(network: NetworkConfig, data: TrainingData, name: string): void {
  const { rows, inputs, targets } = data
  assertCount(rows, `${name}.rows`, 'invalid_data')
  assertLength(inputs, rows, network.inputs, `${name}.inputs`)
  assertLength(targets, rows, targetWidth(network), `${name}.targets`)
  assertRowWeights(data, name)
  if (isRegression(network.loss)) return
  const classes = classCount(network)
  const badRow = targets.findIndex((y) => !(Number.isInteger(y) && y >= 0 && y < classes))
  if (badRow !== -1) {
    throw new EngineError(
      'invalid_data',
      `${name}.targets[${badRow}] is ${targets[badRow]}, not a class below ${classes}`,
    )
  }
}

function assertRowWeights({ rows, weights = null }: TrainingData, name: string): void {
  if (weights === null) return
  assertLength(weights, rows, 1, `${name}.weights`)
  const badRow = weights.findIndex((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY))
  if (badRow !== -1) {
    throw new EngineError('invalid_data', `${name}.weights[${badRow}] is ${weights[badRow]}`)
  }
}

function assertLength(values: Float32Array, rows: number, width: number, name: string): void {
  if (values.length !== rows * width) {
    throw new EngineError(
      'invalid_data',
      `${name} has ${values.length} values, not [${rows}, ${width}]`,
    )
  }
}
