import type { NetworkConfig } from '../config.ts'
import { createBinaryCrossEntropy } from './binary-cross-entropy.ts'
import { createCrossEntropy } from './cross-entropy.ts'
import { hinge } from './hinge.ts'
import { createHuber } from './huber.ts'
import type { Loss } from './loss.ts'
import { mae } from './mae.ts'
import { mse } from './mse.ts'
import { perceptron } from './perceptron.ts'

/** The loss of a network, with its label smoothing or its δ. */
export function createLoss({
  loss,
  labelSmoothing = 0,
  huberDelta = 1,
}: Pick<NetworkConfig, 'loss' | 'labelSmoothing' | 'huberDelta'>): Loss {
  switch (loss) {
    case 'cross_entropy':
      return createCrossEntropy(labelSmoothing)
    case 'binary_cross_entropy':
      return createBinaryCrossEntropy(labelSmoothing)
    case 'hinge':
      return hinge
    case 'perceptron':
      return perceptron
    case 'mse':
      return mse
    case 'mae':
      return mae
    case 'huber':
      return createHuber(huberDelta)
  }
}
