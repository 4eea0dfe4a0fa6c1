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

  if (spec.webhook != null) refuse('#/webhook', 'a webhook')
  return errors
}
