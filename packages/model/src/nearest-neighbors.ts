import type { TrainingData } from '@trainyard/engine'
import { createNetwork } from '@trainyard/engine'

/** Scores held at once. */
const SCORES_MAX = 8_388_608

/**
 * The indices of the `count` training rows nearest to each row by Euclidean distance, nearest first [rows, count]; of equal
 * distances the lower index. |a − b|² = |a|² − 2(a·b − |b|²/2), so a linear layer whose units are the training rows ranks
 * them, on the kernels that train.
 */
export async function nearestNeighbors(
  { inputs: known, rows: knownRows }: TrainingData,
  { inputs, rows }: TrainingData,
  count: number,
  module: WebAssembly.Module,
): Promise<Uint32Array> {
  const width = known.length / knownRows
  const bias = new Float32Array(knownRows)
  for (let unit = 0; unit < knownRows; unit++) {
    let squares = 0
    for (let i = 0; i < width; i++) squares += (known[unit * width + i] ?? 0) ** 2
    bias[unit] = -squares / 2
  }
  const layer = { units: knownRows, activation: 'linear', initializer: { type: 'zeros' } } as const
  const network = await createNetwork(
    { inputs: width, layers: [layer], loss: 'mse' },
    { seed: 0n, initialWeights: [{ weight: known, bias }], module },
  )
  const nearest = new Uint32Array(rows * count)
  const chunkRows = Math.max(1, Math.floor(SCORES_MAX / knownRows))
  for (let start = 0; start < rows; start += chunkRows) {
    const chunk = Math.min(chunkRows, rows - start)
    const part = inputs.subarray(start * width, (start + chunk) * width)
    const scores = network.predict(part, chunk)
    for (let row = 0; row < chunk; row++) {
      const scored = scores.subarray(row * knownRows, (row + 1) * knownRows)
      nearest.set(indicesOfLargest(scored, count), (start + row) * count)
    }
  }
  network.dispose()
  return nearest
}

function indicesOfLargest(scores: Float32Array, count: number): Uint32Array {
  const indices = new Uint32Array(count)
  const best = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? 0
    if (score <= (best[count - 1] ?? 0)) continue
    let at = count - 1
    for (; at > 0 && score > (best[at - 1] ?? 0); at--) {
      best[at] = best[at - 1] ?? 0
      indices[at] = indices[at - 1] ?? 0
    }
    best[at] = score
    indices[at] = i
  }
  return indices
}
