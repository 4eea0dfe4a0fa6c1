/** What trained weights reach on rows that nothing was fitted on or decided by. */
import type { Architecture, ResolvedConfig } from '@trainyard/contracts'
import { createNetwork, type TrainingData } from '@trainyard/engine'
import { unpackLayers } from './layer-bytes.ts'
import { toNetworkConfig } from './network-config.ts'

export interface TestInput {
  test: TrainingData
  resolved: ResolvedConfig
  architecture: Architecture
  /** As `packLayers` writes them. */
  weights: Uint8Array
  module: WebAssembly.Module
}

/**
 * Loss and accuracy by the very computation that gives `val_loss` and `val_accuracy`, so that the two can be compared;
 * accuracy is null for a regression. What is not finite is NaN or infinite here.
 */
export async function measureTest(
  input: TestInput,
): Promise<{ loss: number; accuracy: number | null }> {
  const { test, resolved, architecture, weights, module } = input
  const network = await createNetwork(toNetworkConfig(resolved), {
    seed: 0n,
    module,
    initialWeights: unpackLayers(architecture, weights),
  })
  try {
    const session = network.openTraining({
      // A run needs a row to train on; none is trained.
      training: firstRow(test),
      validation: test,
      optimizer: { type: 'sgd', learningRate: 0 },
      ...{ regularization: null, gradientClip: null, augmentation: null },
      ...{ batchSize: 1, shuffle: false, seed: 0n },
      ...{ onBatch: null, team: null, observes: null },
    })
    const metrics = session.validate()
    if (metrics === null) throw new Error('a session with rows to validate has validated none')
    return metrics
  } finally {
    network.dispose()
  }
}

function firstRow({ rows, inputs, targets, weights }: TrainingData): TrainingData {
  return {
    rows: 1,
    inputs: inputs.subarray(0, inputs.length / rows),
    targets: targets.subarray(0, targets.length / rows),
    weights: weights?.subarray(0, 1) ?? null,
  }
}
