/** What the outputs of a network mean: probabilities, classes, values in the target's unit. */
import type { Architecture, Preprocessing } from '@trainyard/contracts'
import { sigmoid, softmax } from '@trainyard/engine/inference'

/** A perceptron, or a classification by hinge: a class by its scores, without a probability. */
export function hasRawScores({ task, output_activation }: Architecture): boolean {
  return (
    task === 'classification' && (output_activation === 'linear' || output_activation === 'step')
  )
}

/** Probabilities [rows, classes]; one sigmoid output is the probability of the second class. */
export function probabilitiesOf(
  { output_activation, outputs }: Architecture,
  logits: Float32Array,
  rows: number,
): Float32Array {
  if (output_activation !== 'sigmoid') return softmax(logits, rows, outputs)
  const second = sigmoid(logits)
  const both = new Float32Array(rows * 2)
  for (const [row, share] of second.entries()) {
    both[2 * row] = 1 - share
    both[2 * row + 1] = share
  }
  return both
}

/** The class of the largest value, of equal ones the first; a single score, of a step, is the second class from 0 up. */
export function predictedClass(values: Float32Array): number {
  if (values.length === 1) return (values[0] ?? 0) >= 0 ? 1 : 0
  let best = 0
  for (const [i, value] of values.entries()) if (value > (values[best] ?? 0)) best = i
  return best
}

/** The prediction of a regression, in the unit of its target. */
export function toTargetUnit(output: number, target: Preprocessing['target']): number {
  const { center, scale } = target ?? { center: 0, scale: 1 }
  return output * scale + center
}
