/** Updates parameters in place from their gradient, both [parameters]; keeps its state inside. */
export type Optimizer = (parameters: Float64Array, gradient: Float64Array) => void
