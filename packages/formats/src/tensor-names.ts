/** Under which names the numbers of a layer lie: ours, or those of a PyTorch `nn.Sequential`. */
import type { Architecture } from '@trainyard/contracts'

export type Naming = 'trainyard' | 'torch'

/** The name of each tensor of a layer; the last four only where there is batch normalization. */
export interface LayerNames {
  weight: string
  bias: string
  gamma: string
  beta: string
  runningMean: string
  runningVariance: string
}

type Activation = Architecture['hidden'][number]['activation']

/** null: PyTorch has no module for it. */
const TORCH_ACTIVATIONS: Record<Activation, string | null> = {
  linear: 'nn.Identity()',
  step: null,
  sigmoid: 'nn.Sigmoid()',
  tanh: 'nn.Tanh()',
  relu: 'nn.ReLU()',
  leaky_relu: 'nn.LeakyReLU(0.01)',
  elu: 'nn.ELU()',
  selu: 'nn.SELU()',
  gelu: "nn.GELU(approximate='tanh')",
  silu: 'nn.SiLU()',
  softplus: 'nn.Softplus()',
  softsign: 'nn.Softsign()',
}

/**
 * Names of every layer, the output layer last. Ours: `layers.{i}.weight` [out, in] and `layers.{i}.bias` [out], and
 * `norms.{i}.weight` (γ), `.bias` (β), `.running_mean` and `.running_var`. PyTorch's: the place of the module in the
 * sequence of linear layer, normalization, activation; each member of an ensemble is one module of a list.
 */
export function layerNames(
  { hidden }: Pick<Architecture, 'hidden'>,
  naming: Naming,
  member: number | null,
): LayerNames[] {
  if (naming === 'trainyard') {
    const prefix = member === null ? '' : `members.${member}.`
    return [...hidden, null].map((_, i) => toNames(`${prefix}layers.${i}`, `${prefix}norms.${i}`))
  }
  const prefix = member === null ? '' : `${member}.`
  let at = 0
  return [...hidden, { batch_norm: false }].map(({ batch_norm }) => {
    const names = toNames(`${prefix}${at}`, `${prefix}${at + 1}`)
    at += batch_norm ? 3 : 2
    return names
  })
}

function toNames(layer: string, norm: string): LayerNames {
  return {
    weight: `${layer}.weight`,
    bias: `${layer}.bias`,
    gamma: `${norm}.weight`,
    beta: `${norm}.bias`,
    runningMean: `${norm}.running_mean`,
    runningVariance: `${norm}.running_var`,
  }
}

/**
 * The PyTorch module that the torch names fit, as Python text; its outputs are the logits, of a perceptron the score. Null
 * where a layer has the step activation, which PyTorch has not.
 */
export function toTorchModule({ inputs, hidden, outputs }: Architecture): string | null {
  const modules: string[] = []
  let width = inputs
  for (const { units, activation, batch_norm } of hidden) {
    const module = TORCH_ACTIVATIONS[activation]
    if (module === null) return null
    modules.push(`nn.Linear(${width}, ${units})`)
    if (batch_norm) modules.push(`nn.BatchNorm1d(${units}, eps=1e-05)`)
    modules.push(module)
    width = units
  }
  return `nn.Sequential(${[...modules, `nn.Linear(${width}, ${outputs})`].join(', ')})`
}
