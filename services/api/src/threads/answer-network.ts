import type { NetworkTrace } from '@trainyard/contracts'
import {
  type AnyLayerWeights,
  initialWeights,
  type NetworkConfig,
  type TracedParameters,
  trace,
} from '@trainyard/engine'
import { toLayerWeights, toNetworkConfig, unpackLayers } from '@trainyard/model'
import type { NetworkTask } from './trace-thread.ts'

export function answerNetwork({
  network,
  weights,
  sample,
  classes,
  learningRate,
}: NetworkTask): NetworkTrace {
  const config = toNetworkConfig(network)
  const { loss, probabilities, layers } = trace(
    config,
    toWeights(config, weights),
    sample,
    learningRate,
  )
  return {
    object: 'trace',
    inputs: [...sample.inputs],
    outputs: [...(layers.at(-1)?.a ?? [])],
    probabilities: probabilities && [...probabilities],
    classes,
    loss,
    layers: layers.map((layer, i) => ({
      activation: config.layers[i]?.activation ?? 'linear',
      z: [...layer.z],
      ...(layer.normalized && { y: [...layer.normalized] }),
      a: [...layer.a],
      delta: [...layer.delta],
      parameters: toDocument(layer.parameters),
      gradients: toDocument(layer.gradient),
      after_step: layer.afterStep && toDocument(layer.afterStep),
    })),
  }
}

function toWeights(config: NetworkConfig, weights: NetworkTask['weights']): AnyLayerWeights[] {
  if ('layers' in weights) return weights.layers.map(toLayerWeights)
  if ('seed' in weights) return initialWeights(config, BigInt(weights.seed))
  return unpackLayers(weights.architecture, weights.bytes)
}

function toDocument({ weight, bias, gamma, beta }: TracedParameters) {
  const width = weight.length / bias.length
  return {
    weight: Array.from(bias, (_, unit) => [...weight.subarray(unit * width, (unit + 1) * width)]),
    bias: [...bias],
    ...(gamma && { gamma: [...gamma] }),
    ...(beta && { beta: [...beta] }),
  }
}
