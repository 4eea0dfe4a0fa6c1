/** What is searched when searches are compared: networks for digits, on one fixed split. */
import type { SweepSpec } from '@trainyard/contracts'

/** The seed of the trainings is fixed, and with it the split. */
export const toBase = (epochs: number): SweepSpec['base'] => ({ seed: 1, training: { epochs } })

export const PARAMETERS: SweepSpec['parameters'] = {
  'training.optimizer.learning_rate': { distribution: 'log_uniform', min: 1e-5, max: 1 },
  'training.batch_size': { distribution: 'int_log_uniform', min: 16, max: 256 },
  'training.regularization.l2': { distribution: 'log_uniform', min: 1e-6, max: 1e-1 },
  'model.input_dropout': { distribution: 'uniform', min: 0, max: 0.5 },
  'model.hidden': {
    values: [[{ units: 16 }], [{ units: 64 }], [{ units: 64 }, { units: 32 }]],
  },
}
