import type { Augmentation } from './augmentation/augmentation.ts'
import {
  assertCount,
  assertNetworkConfig,
  type NetworkConfig,
  type OptimizerConfig,
} from './config.ts'
import { mapMemory } from './wasm/memory-map.ts'
import { layerShapes } from './weights.ts'

export type {
  ActivationName,
  InitializerConfig,
  LayerConfig,
  LossName,
  NetworkConfig,
  OptimizerConfig,
} from './config.ts'
export { EngineError, type EngineErrorCode } from './errors.ts'
export { resolveInitializer } from './initializers/initialize.ts'
export { ENGINE_VERSION } from './version.ts'

export interface PlanInput {
  network: NetworkConfig
  optimizer: OptimizerConfig['type']
  batchSize: number
  trainingRows: number
  /** 0 without validation. */
  validationRows: number
  /** Whether rows have weights, by class or of their own; false. */
  weighted?: boolean
  /** Most threads that may work on the job; 1. */
  threads?: number
  /** Whether layers are observed; false. */
  observed?: boolean
  augmentation?: Augmentation | null
}

export interface NetworkPlan {
  parameterCount: number
  /** Floating-point operations of the matrix products of one epoch, validation included. */
  flopsPerEpoch: number
  /** Exactly what the engine allocates for the job. */
  memoryBytes: number
  /** Of a checkpoint, but for a few hundred of description. */
  checkpointBytes: number
  layers: { inputs: number; units: number; parameters: number }[]
}

/** Shapes, work and memory of a training job, before anything is allocated. */
export function planNetwork(input: PlanInput): NetworkPlan {
  const { network, trainingRows, validationRows } = input
  assertNetworkConfig(network)
  assertCount(input.batchSize, 'batchSize', 'invalid_options')
  assertCount(trainingRows, 'trainingRows', 'invalid_options')
  if (validationRows !== 0) assertCount(validationRows, 'validationRows', 'invalid_options')
  const layers = layerShapes(network).map((shape, index) => ({
    ...shape,
    // Weights and a bias, and with batch normalization γ and β.
    parameters: (shape.inputs + (network.layers[index]?.batchNorm ? 3 : 1)) * shape.units,
  }))
  // The perceptron learns row by row.
  const map = mapMemory(input.optimizer === 'perceptron' ? { ...input, batchSize: 1 } : input)
  return {
    parameterCount: layers.reduce((sum, { parameters }) => sum + parameters, 0),
    flopsPerEpoch: layers.reduce((sum, { inputs, units }, index) => {
      // Forward and weight gradient; the first layer needs no gradient of its inputs.
      const productsPerRow = index === 0 ? 2 : 3
      return sum + 2 * inputs * units * (productsPerRow * trainingRows + validationRows)
    }, 0),
    memoryBytes: map.bytes,
    checkpointBytes: map.gradient - map.parameters,
    layers,
  }
}
