import type { TrainingData } from './backend.ts'
import { assertCount, type NetworkConfig, outputUnits, targetWidth } from './config.ts'
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
  if (network.loss === 'mse') return
  const classes = network.loss === 'binary_cross_entropy' ? 2 : outputUnits(network)
  const badRow = targets.findIndex((y) => !(Number.isInteger(y) && y >= 0 && y < classes))
  if (badRow !== -1) {
    throw new EngineError(
      'invalid_data',
      `${name}.targets[${badRow}] is ${targets[badRow]}, not a class below ${classes}`,
    )
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
