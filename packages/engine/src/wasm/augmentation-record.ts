import { augmentationStream } from '../augmentation/augment-rows.ts'
import type { RowOperation } from '../augmentation/augmentation.ts'
import { toRadians } from '../augmentation/map-image.ts'
import { dropoutThreshold } from '../layers/dropout.ts'
import { streamNumber } from '../random.ts'
import { OPERATION_CODES } from './job-record.ts'

/** The operations as the kernels read them, the fields of `AUGMENTATION_REALS` of each. */
export function encodeOperations(operations: readonly RowOperation[]): number[] {
  return operations.flatMap((operation, index) => [
    codeOf(operation),
    streamNumber(augmentationStream(index)),
    amountOf(operation),
  ])
}

function codeOf(operation: RowOperation): number {
  if (operation.type !== 'flip') return OPERATION_CODES[operation.type]
  return OPERATION_CODES[`flip_${operation.axis}`]
}

function amountOf(operation: RowOperation): number {
  switch (operation.type) {
    case 'gaussian_noise':
      return operation.std
    case 'feature_drop':
      return dropoutThreshold(operation.rate)
    case 'rotate':
      return toRadians(operation.degrees)
    case 'flip':
      return 0
    default:
      return operation.pixels
  }
}
