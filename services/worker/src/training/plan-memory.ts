import type { ClaimedJob } from '@trainyard/domain'
import { runsOf } from '@trainyard/domain'
import { planTraining } from '@trainyard/model'

/** What every training thread holds: modules, optimized code, and garbage that the collector has not come to. */
const THREAD_BYTES = 128 * 1024 ** 2

/** What the thread of a job may hold by what the job was admitted with: rather too much than too little. */
export function planMemory({
  resolvedConfig: resolved,
  dataset,
  validationDataset,
  testDataset,
}: Pick<ClaimedJob, 'resolvedConfig' | 'dataset' | 'validationDataset' | 'testDataset'>): number {
  const levels = dataset.columns.find(({ name }) => name === dataset.target)?.levels
  // As many as the largest class has, of each.
  const repeats = resolved.training.oversample ? (levels?.length ?? 1) : 1
  const plans = runsOf(dataset.rows, resolved).map((rows) => {
    const split = { ...rows, trainingRows: repeats * rows.trainingRows }
    const heldOut = [
      { set: validationDataset, rows: rows.validationRows },
      { set: testDataset, rows: rows.testRows },
    ].flatMap(({ set, rows }) => (set === null ? [] : [{ columns: set.columns, rows }]))
    return planTraining({ resolved, dataset, heldOut, split }).memoryBytes
  })
  return THREAD_BYTES + Math.max(...plans)
}
