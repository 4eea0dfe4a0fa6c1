/**
 * The contract knows every field of a training job; the engine carries them out one after the other. What it cannot do
 * yet is refused by name here: a hyperparameter ignored in silence is the worst error this service can make.
 */
import type { FieldError, JobSpec } from '@trainyard/contracts'

/** Every part of `spec` that asks for something not built yet. */
export function findUnsupported(spec: JobSpec): FieldError[] {
  const errors: FieldError[] = []
  const refuse = (pointer: string, what: string) =>
    errors.push({ pointer, detail: `${what} is not supported yet` })

  const { model, training, validation } = spec
  const output = typeof model === 'object' ? model.output : undefined
  if (typeof output === 'object' && output.activation === 'step') {
    refuse('#/model/output/activation', 'the perceptron\'s output "step"')
  }
  if (training !== undefined) {
    if (training.optimizer?.type === 'perceptron') {
      refuse('#/training/optimizer/type', 'optimizer "perceptron"')
    }
    if (training.augmentation?.length) refuse('#/training/augmentation', 'augmentation')
  }
  if (validation != null) {
    if ('dataset_id' in validation) refuse('#/validation/dataset_id', 'a validation data set')
    else if ('folds' in validation) refuse('#/validation/folds', 'k-fold validation')
  }
  if (spec.initial_weights != null) refuse('#/initial_weights', 'a warm start')
  if (spec.checkpoint !== undefined) refuse('#/checkpoint', 'checkpointing')
  if (spec.webhook != null) refuse('#/webhook', 'a webhook')
  return errors
}
