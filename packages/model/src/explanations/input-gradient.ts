import type { Cell } from '@trainyard/contracts'
import { encodeRecords } from '@trainyard/datasets'
import { trace } from '@trainyard/engine'
import type { TrainedModel } from '../create-predictor.ts'
import { toInferenceConfig } from '../network-config.ts'
import { columnInputs, inputNames } from './column-inputs.ts'

export interface InputSlope {
  column: string
  /** What the input stands for: the value, a level, a part of a date, or that the value is missing. */
  input: string
  /** As the network sees it, after preprocessing. */
  encoded: number
  /** ∂ output / ∂ input; an output is a logit, or of a regression the predicted value in the target's unit. */
  gradient: number
  /** ∂ output / ∂ value in the column's own unit; null where the input is not a scaled number. */
  gradient_per_unit: number | null
}

/**
 * The gradient of every output at one record with respect to every input, in float64 (Simonyan, Vedaldi, Zisserman, 2013;
 * https://arxiv.org/abs/1312.6034). [outputs][inputs]. At a kink, such as 0 of relu, it is that of one side. Throws
 * DataError for a record that the model has no inputs for.
 */
export function inputGradient(model: TrainedModel, record: Record<string, Cell>): InputSlope[][] {
  const { architecture, preprocessing, layers } = model
  const inputs = encodeRecords(preprocessing, { records: [record] })
  // Which loss follows the outputs is of no matter: the gradient begins at them.
  const network = { ...toInferenceConfig(architecture), loss: 'mse' as const }
  const unit = architecture.classes === null ? (preprocessing.target?.scale ?? 1) : 1
  return Array.from({ length: architecture.outputs }, (_, output) => {
    const upstreamGradient = Array.from({ length: architecture.outputs }, (_, i) =>
      i === output ? unit : 0,
    )
    const traced = trace(network, layers, { inputs: [...inputs], upstreamGradient })
    const [first] = traced.layers
    if (first === undefined) throw new Error('A network has a layer')
    const slopes = slopesOfInputs(first.delta, first.parameters.weight, inputs.length)
    return columnInputs(preprocessing).flatMap(({ column, transform, offset }) =>
      inputNames(transform).map((input, i): InputSlope => {
        const gradient = slopes[offset + i] as number
        const isScaled = i === 0 && transform.kind === 'numeric' && !transform.log1p
        return {
          column,
          input,
          encoded: inputs[offset + i] as number,
          gradient,
          gradient_per_unit: isScaled ? gradient / transform.scale : null,
        }
      }),
    )
  })
}

/** Wᵀ δ of the first layer, [inputs]. */
function slopesOfInputs(delta: Float64Array, weight: Float64Array, inputs: number): Float64Array {
  const slopes = new Float64Array(inputs)
  for (const [unit, error] of delta.entries()) {
    for (let i = 0; i < inputs; i++) {
      slopes[i] = (slopes[i] as number) + error * (weight[unit * inputs + i] as number)
    }
  }
  return slopes
}
