import type { ReferenceNetwork } from './backends/reference-network.ts'
import type { ActivationName, NetworkConfig } from './config.ts'
import { element, type Matrix } from './tensor.ts'

/** Nearer to a kink than this, central differences do not tell the gradient. */
export const KINK_DISTANCE = 2e-3

/** Value, slope or curvature of these break at zero. */
const BREAKS_AT_ZERO: ReadonlySet<ActivationName> = new Set([
  'step',
  'relu',
  'leaky_relu',
  'elu',
  'selu',
  'softsign',
])

/**
 * On which side of every kink the latest forward pass was: -1, 0 or 1 for each unit whose activation has one, and for each
 * of the loss. Between two passes with the same sides the loss is smooth. logits [batch, outputs]
 */
export function readSides(
  config: NetworkConfig,
  { layers }: ReferenceNetwork,
  logits: Matrix,
  targets: Matrix,
): number[] {
  const sides: number[] = []
  for (const [index, { activation }] of config.layers.entries()) {
    if (!BREAKS_AT_ZERO.has(activation)) continue
    for (const z of layers[index]?.pass?.normalized.values ?? []) sides.push(Math.sign(z))
  }
  for (let row = 0; row < logits.rows; row++) {
    sides.push(...lossSides(config, logits.row(row), targets.row(row)))
  }
  return sides
}

function lossSides(
  { loss, huberDelta = 1 }: NetworkConfig,
  logits: Float64Array,
  target: Float64Array,
): number[] {
  switch (loss) {
    case 'hinge': {
      const own = element(logits, element(target, 0))
      return Array.from(logits, (s, j) => (j === target[0] ? 0 : Math.sign(s - own + 1)))
    }
    case 'mae':
      return Array.from(logits, (prediction, j) => Math.sign(prediction - element(target, j)))
    case 'huber':
      return Array.from(logits, (prediction, j) => {
        const d = prediction - element(target, j)
        return Math.abs(d) <= huberDelta ? 0 : Math.sign(d)
      })
    default:
      return []
  }
}
