import type { FieldError, ResolvedConfig, TracedNetworkSpec } from '@trainyard/contracts'
import { HUBER_DELTA_DEFAULT, isRegressionLoss, resolveHiddenLayer } from './resolve-model.ts'

export interface TracedNetwork {
  model: Pick<ResolvedConfig['model'], 'inputs' | 'hidden' | 'input_dropout'> & {
    output: Pick<ResolvedConfig['model']['output'], 'units' | 'initializer'>
  }
  training: Pick<ResolvedConfig['training'], 'loss' | 'label_smoothing'>
  parameterCount: number
}

/**
 * A network written out, with its defaults, and every reason why it is none. Where its gradient is given from above the loss
 * does not matter.
 */
export function resolveTracedNetwork(spec: TracedNetworkSpec): {
  network: TracedNetwork
  errors: FieldError[]
} {
  const { inputs, outputs, loss = 'mse' } = spec
  const name = typeof loss === 'object' ? loss.type : loss
  const smoothing = spec.label_smoothing ?? 0
  const hidden = (spec.hidden ?? []).map(resolveHiddenLayer)
  const errors: FieldError[] = []
  const refuse = (field: string, detail: string) =>
    errors.push({ pointer: `#/network/${field}`, detail })
  if (name === 'binary_cross_entropy' && outputs !== 1) {
    refuse('outputs', `binary_cross_entropy has 1 output, got ${outputs}`)
  }
  if ((name === 'cross_entropy' || name === 'hinge') && outputs < 2) {
    refuse('outputs', `${name} has at least 2 outputs, got ${outputs}`)
  }
  if (smoothing > 0 && (isRegressionLoss(name) || name === 'hinge')) {
    refuse('label_smoothing', 'is for cross_entropy and binary_cross_entropy alone')
  }
  const layers = [...hidden, { units: outputs, batch_norm: false }]
  const parameterCount = layers.reduce((sum, { units, batch_norm }, i) => {
    const width = i === 0 ? inputs : (layers[i - 1]?.units ?? 0)
    return sum + (width + (batch_norm ? 3 : 1)) * units
  }, 0)
  return {
    network: {
      model: { inputs, hidden, input_dropout: 0, output: { units: outputs, initializer: 'auto' } },
      training: {
        loss: name === 'huber' ? { type: name, delta: deltaOf(loss) } : name,
        label_smoothing: smoothing,
      },
      parameterCount,
    },
    errors,
  }
}

function deltaOf(loss: NonNullable<TracedNetworkSpec['loss']>): number {
  return (typeof loss === 'object' ? loss.delta : undefined) ?? HUBER_DELTA_DEFAULT
}
