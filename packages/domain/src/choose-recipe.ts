/**
 * The network and the batch of a job that names neither, by task, inputs and rows. How they were chosen: docs/adr/0004,
 * how good they are: docs/quality.md.
 */
import type { HiddenLayerSpec, Task } from '@trainyard/contracts'

/** Below this the statistics of a batch are too coarse to normalize by. */
const BATCH_NORM_ROWS_MIN = 64
const MANY_ROWS = 10_000

/** ReLU and He initialisation are the defaults of every layer; Adam is that of the training. */
export function chooseHidden(task: Task, inputs: number, trainingRows: number): HiddenLayerSpec[] {
  if (task === 'regression') {
    // Batch normalization blurs a number by the batch it came in, and a wide network follows the noise.
    const units = inputs <= 8 ? 32 : inputs <= 64 ? 64 : 128
    return [{ units }, { units }]
  }
  if (trainingRows < BATCH_NORM_ROWS_MIN) return [{ units: 128 }]
  const wider = trainingRows >= MANY_ROWS ? 2 : 1
  return [{ units: 128 * wider }, { units: 64 * wider, batch_norm: true }]
}

/** Few rows need small batches to make enough steps in 100 epochs; many rows make them anyway, and faster in large ones. */
export function chooseBatchSize(trainingRows: number): number {
  if (trainingRows < 1000) return Math.min(16, trainingRows)
  if (trainingRows < MANY_ROWS) return 32
  return trainingRows < 5 * MANY_ROWS ? 64 : 128
}
