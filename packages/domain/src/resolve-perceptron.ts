/** The perceptron of 1958: scores, a step, and Rosenblatt's rule. The three go together or not at all. */
import type { FieldError, JobSpec, Task } from '@trainyard/contracts'

/** Whether either half of it is asked for. */
export function asksForPerceptron(spec: JobSpec): boolean {
  return outputActivation(spec) === 'step' || spec.training?.optimizer?.type === 'perceptron'
}

/** Everything in a specification that asks for a perceptron which a perceptron has not. */
export function findPerceptronFaults(spec: JobSpec, task: Task): FieldError[] {
  const errors: FieldError[] = []
  const refuse = (pointer: string, detail: string) => errors.push({ pointer, detail })
  const { optimizer, loss, batch_size, class_weight } = spec.training ?? {}

  if (task !== 'classification') refuse('#/task', 'a perceptron answers classes, not numbers')
  if (optimizer?.type !== 'perceptron') {
    refuse(
      '#/training/optimizer',
      `the output "step" has no gradient; it is trained by {"type": "perceptron"}, not by "${optimizer?.type ?? 'adam'}"`,
    )
  }
  if (outputActivation(spec) !== 'step') {
    refuse(
      '#/model/output/activation',
      `the optimizer "perceptron" trains the output "step", not "${outputActivation(spec) ?? 'auto'}"`,
    )
  }
  const hidden = typeof spec.model === 'object' ? spec.model.hidden : undefined
  if (hidden?.length !== 0) {
    refuse('#/model/hidden', 'a perceptron has no hidden layers: hidden must be []')
  }
  if (loss !== undefined && loss !== 'auto') {
    refuse('#/training/loss', 'the loss of a perceptron is its error rate; leave it out')
  }
  if (batch_size !== undefined && batch_size !== 1) {
    refuse(
      '#/training/batch_size',
      `a perceptron learns row by row: batch_size must be 1, got ${batch_size}`,
    )
  }
  if (class_weight != null && task === 'classification') {
    refuse('#/training/class_weight', 'a perceptron has one kind of mistake; it weighs no classes')
  }
  return errors
}

function outputActivation({ model }: JobSpec): string | undefined {
  const output = typeof model === 'object' ? model.output : undefined
  return typeof output === 'object' ? output.activation : undefined
}
