import type { SweepSpec } from '@trainyard/contracts'

export const LEARNING_RATE = 'training.optimizer.learning_rate'

/** On the data set of four rows that tests start from, which has no validation part. */
export function makeSweepSpec(datasetId: string, overrides: Partial<SweepSpec> = {}): SweepSpec {
  return {
    dataset_id: datasetId,
    seed: 7,
    max_trials: 20,
    base: { model: { hidden: [{ units: 4 }] }, training: { epochs: 5 }, validation: null },
    parameters: { [LEARNING_RATE]: { distribution: 'log_uniform', min: 1e-3, max: 1e-1 } },
    ...overrides,
  }
}
