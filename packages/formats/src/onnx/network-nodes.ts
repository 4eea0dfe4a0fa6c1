/** Dense layers, batch normalization and activations as nodes. */
import type { Architecture } from '@trainyard/contracts'
import type { ExportedNetwork, WeightsLayer } from '../exported-model.ts'
import type { GraphBuilder, Value } from './graph-builder.ts'

type Activation = Architecture['hidden'][number]['activation']

/** As the engine has it. */
const BATCH_NORM_EPSILON = 1e-5
const GELU_SCALE = 0.7978845608028654
const GELU_CUBIC = 0.044715

/** Logits [batch, outputs] of encoded inputs. */
export function addNetwork(
  graph: GraphBuilder,
  { architecture, layers }: Pick<ExportedNetwork, 'architecture' | 'layers'>,
  inputs: Value,
  { prefix, foldBatchNorm }: { prefix: string; foldBatchNorm: boolean },
): Value {
  let value = inputs
  for (const [i, given] of layers.entries()) {
    const layer = foldBatchNorm ? foldNorm(given) : given
    const units = layer.bias.length
    const vector = (name: string, data: Float32Array) =>
      graph.constant({ type: 'float', shape: [units], data }, `${prefix}${name}`)
    const weight = graph.constant(
      { type: 'float', shape: [units, layer.weight.length / units], data: layer.weight },
      `${prefix}layers.${i}.weight`,
    )
    value = graph.node('Gemm', [value, weight, vector(`layers.${i}.bias`, layer.bias)], {
      transB: 1,
    })
    const { gamma, beta, runningMean, runningVariance } = layer
    if (gamma && beta && runningMean && runningVariance) {
      const statistics = [
        vector(`norms.${i}.weight`, gamma),
        vector(`norms.${i}.bias`, beta),
        vector(`norms.${i}.running_mean`, runningMean),
        vector(`norms.${i}.running_var`, runningVariance),
      ]
      value = graph.node('BatchNormalization', [value, ...statistics], {
        epsilon: { float: BATCH_NORM_EPSILON },
      })
    }
    const activation = architecture.hidden[i]?.activation ?? 'linear'
    value = addActivation(graph, activation, value)
  }
  return value
}

/** The same layer without normalization: γ/√(variance + ε) goes into the weights, the rest into the bias. */
function foldNorm({
  weight,
  bias,
  gamma,
  beta,
  runningMean,
  runningVariance,
}: WeightsLayer): WeightsLayer {
  if (!(gamma && beta && runningMean && runningVariance)) return { weight, bias }
  const width = weight.length / bias.length
  const scales = Float64Array.from(
    gamma,
    (g, unit) => g / Math.sqrt((runningVariance[unit] ?? 0) + BATCH_NORM_EPSILON),
  )
  return {
    weight: weight.map((w, at) => w * (scales[Math.floor(at / width)] ?? 0)),
    bias: bias.map(
      (b, unit) => (b - (runningMean[unit] ?? 0)) * (scales[unit] ?? 0) + (beta[unit] ?? 0),
    ),
  }
}

function addActivation(graph: GraphBuilder, activation: Activation, z: Value): Value {
  const number = (value: number) => graph.constant({ type: 'float', shape: [], data: [value] })
  switch (activation) {
    case 'linear':
      return z
    case 'relu':
      return graph.node('Relu', [z])
    case 'leaky_relu':
      return graph.node('LeakyRelu', [z], { alpha: { float: 0.01 } })
    case 'elu':
      return graph.node('Elu', [z])
    case 'selu':
      return graph.node('Selu', [z])
    case 'sigmoid':
      return graph.node('Sigmoid', [z])
    case 'tanh':
      return graph.node('Tanh', [z])
    case 'softplus':
      return graph.node('Softplus', [z])
    case 'softsign':
      return graph.node('Softsign', [z])
    case 'silu':
      return graph.node('Mul', [z, graph.node('Sigmoid', [z])])
    case 'step':
      return graph.node('Cast', [graph.node('GreaterOrEqual', [z, number(0)])], { to: 1 })
    case 'gelu': {
      const cube = graph.node('Mul', [graph.node('Mul', [z, z]), z])
      const inner = graph.node('Add', [z, graph.node('Mul', [cube, number(GELU_CUBIC)])])
      // ½(1 + tanh u) = σ(2u), which has one operator less.
      const doubled = graph.node('Mul', [inner, number(2 * GELU_SCALE)])
      return graph.node('Mul', [z, graph.node('Sigmoid', [doubled])])
    }
  }
}
