/** Predicts a whole table, some rows at a time, between which it can be stopped and says how far it is. */
import { DataError, encodeFeatures } from '@trainyard/datasets'
import {
  createModelPredictor,
  openModel,
  predictionFlops,
  type Scores,
  unpackNetworks,
} from '@trainyard/model'
import {
  type DatasetAnswer,
  type DatasetTask,
  ROWS_WORD,
  STOP_WORD,
} from '../predicting/prediction-thread.ts'

/** Of one step: some 25 ms. */
const STEP_FLOPS = 500_000_000
const STEP_ROWS_MAX = 4096

export default async function predict(task: DatasetTask): Promise<DatasetAnswer> {
  try {
    const scores = await predictTable(task)
    return scores === null ? { kind: 'stopped' } : { kind: 'predicted', scores }
  } catch (error) {
    if (error instanceof DataError) return { kind: 'refused', faults: [...error.faults] }
    if (error instanceof RangeError) return { kind: 'memory_exceeded', reason: error.message }
    throw error
  }
}

async function predictTable({
  networks,
  bytes,
  table,
  control,
}: DatasetTask): Promise<Scores | null> {
  const models = await Promise.all(unpackNetworks(networks, bytes).map(openModel))
  try {
    const predictor = createModelPredictor(models)
    const flops = networks.reduce(
      (sum, network) => sum + predictionFlops(network.architecture, 1),
      0,
    )
    const stepRows = Math.min(STEP_ROWS_MAX, Math.max(1, Math.floor(STEP_FLOPS / flops)))
    let all: Scores | null = null
    for (let start = 0; start < table.rows; start += stepRows) {
      if (Atomics.load(control, STOP_WORD) !== 0) return null
      const count = Math.min(stepRows, table.rows - start)
      const rows = Uint32Array.from({ length: count }, (_, i) => start + i)
      const step = predictor.score({
        rows: count,
        encode: (preprocessing) => encodeFeatures(preprocessing, table, rows),
        pointerTo: (row) => `row ${start + row}`,
      })
      all ??= makeRoom(step, table.rows)
      copyInto(all, step, start)
      Atomics.store(control, ROWS_WORD, start + count)
    }
    return all
  } finally {
    for (const model of models) model.close()
  }
}

/** For all rows, what the model says of these; in memory that needs no copy to leave the thread. */
function makeRoom(
  { rows, logits, probabilities, classIndices, values }: Scores,
  all: number,
): Scores {
  const floats = (given: Float32Array | null) =>
    given && new Float32Array(new SharedArrayBuffer((given.length / rows) * all * 4))
  return {
    rows: all,
    logits: floats(logits),
    probabilities: floats(probabilities),
    classIndices: classIndices && new Int32Array(new SharedArrayBuffer(all * 4)),
    values: values && new Float64Array(new SharedArrayBuffer(all * 8)),
  }
}

function copyInto(all: Scores, step: Scores, start: number): void {
  for (const part of ['logits', 'probabilities', 'classIndices', 'values'] as const) {
    const values = step[part]
    if (values !== null) all[part]?.set(values, (values.length / step.rows) * start)
  }
}
