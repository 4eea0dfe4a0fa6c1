/** The exports of the compiled kernels. Addresses are bytes; see assembly/ for shapes and formulas. */
export interface Kernels {
  beginEpoch(epoch: number): void
  trainEpoch(epoch: number, firstBatch: number): number
  validate(): void
  assist(): void
  forwardPass(
    inputs: number,
    first: number,
    rows: number,
    batchRows: number,
    isEvaluation: number,
  ): void
  packWeights(): void
  multiplyPacked(
    transposesA: number,
    transposesB: number,
    m: number,
    n: number,
    k: number,
    a: number,
    strideA: number,
    b: number,
    strideB: number,
    c: number,
    strideC: number,
    accumulates: number,
  ): void
  multiplyDirect(
    m: number,
    n: number,
    k: number,
    a: number,
    strideA: number,
    b: number,
    strideB: number,
    c: number,
    strideC: number,
    accumulates: number,
  ): void
  multiplyDirectTransposed(
    m: number,
    n: number,
    k: number,
    a: number,
    strideA: number,
    b: number,
    strideB: number,
    c: number,
    strideC: number,
  ): void
  transpose(
    source: number,
    strideSource: number,
    rows: number,
    columns: number,
    target: number,
  ): void
  applyActivation(code: number, sums: number, outputs: number, n: number): void
  applyActivationDerivative(
    code: number,
    sums: number,
    outputs: number,
    delta: number,
    n: number,
  ): void
  drawMask(
    mask: number,
    first: number,
    n: number,
    stream: number,
    step: number,
    threshold: number,
  ): void
  identityOrder(order: number, n: number): void
  shuffleOrder(order: number, n: number, epoch: number): void
  roundsOnce(): number
  /** End of the module's static data. */
  staticEnd: WebAssembly.Global
}

/**
 * Binds the kernels to a memory; `beforeBatch` is asked before every batch of a job that wants it and gives
 * a status, 0 to go on; `observe` is called with the code of a moment when what the job's record says to observe
 * is complete, or was missed.
 */
export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  beforeBatch: (() => number) | null,
  observe: (moment: number, batch: number) => void = () => undefined,
): Kernels {
  const env = { memory, beforeBatch: beforeBatch ?? (() => 0), observe }
  return new WebAssembly.Instance(module, { env }).exports as unknown as Kernels
}
