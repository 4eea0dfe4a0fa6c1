/**
 * Updates parameters in place from their gradient, both [parameters], by a step of the given learning
 * rate; keeps its state inside.
 */
export type Optimizer = (
  parameters: Float64Array,
  gradient: Float64Array,
  learningRate: number,
) => void
