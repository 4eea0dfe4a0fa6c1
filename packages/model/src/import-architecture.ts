import type {
  Architecture,
  ArchitectureInput,
  FieldError,
  Preprocessing,
} from '@trainyard/contracts'
import { encodedWidth } from '@trainyard/datasets'

type OutputActivation = Architecture['output_activation']

/**
 * The architecture of imported weights with all that follows from it, and every reason why it is none. `pointer` is where
 * the body gives it, `preprocessingPointer` where the preprocessing that has to fit it.
 */
export function importArchitecture(
  given: ArchitectureInput,
  preprocessing: Preprocessing | null,
  { pointer: base, preprocessingPointer }: { pointer: string; preprocessingPointer: string },
): { architecture: Architecture; errors: FieldError[] } {
  const classes = given.classes ?? null
  const outputActivation = given.output_activation ?? inferOutput(given)
  const errors = [
    ...findClassFaults(given, classes, base),
    ...findOutputFaults(given, classes, outputActivation, base),
    ...findPreprocessingFaults(given, preprocessing, preprocessingPointer),
  ]
  return {
    architecture: {
      inputs: given.inputs,
      hidden: given.hidden.map(({ units, activation, batch_norm }) => ({
        units,
        activation,
        batch_norm: batch_norm ?? false,
      })),
      outputs: given.outputs,
      output_activation: outputActivation,
      task: given.task,
      classes,
      target: given.target ?? 'target',
    },
    errors,
  }
}

function inferOutput({ task, outputs }: ArchitectureInput): OutputActivation {
  if (task === 'regression') return 'linear'
  return outputs === 1 ? 'sigmoid' : 'softmax'
}

function findClassFaults(
  { task }: ArchitectureInput,
  classes: readonly string[] | null,
  base: string,
): FieldError[] {
  const pointer = `${base}/classes`
  if (task === 'regression') {
    return classes === null ? [] : [{ pointer, detail: 'a regression has no classes' }]
  }
  if (classes === null || classes.length < 2) {
    const detail = `a classification names at least 2 classes in the order of its outputs, got ${classes?.length ?? 'none'}`
    return [{ pointer, detail }]
  }
  const twice = classes.findIndex((name, i) => classes.indexOf(name) !== i)
  if (twice < 0) return []
  return [{ pointer: `${pointer}/${twice}`, detail: `"${classes[twice]}" is there twice` }]
}

/** Every output activation goes with a number of outputs. */
function findOutputFaults(
  { task, outputs, hidden }: ArchitectureInput,
  classes: readonly string[] | null,
  activation: OutputActivation,
  base: string,
): FieldError[] {
  const errors: FieldError[] = []
  if (task === 'regression') {
    if (activation !== 'linear') {
      const detail = `a regression has the output "linear", not "${activation}"`
      errors.push({ pointer: `${base}/output_activation`, detail })
    }
    if (outputs !== 1) {
      errors.push({
        pointer: `${base}/outputs`,
        detail: `a regression has 1 output, got ${outputs}`,
      })
    }
    return errors
  }
  if (activation === 'step' && hidden.length > 0) {
    const detail = `a perceptron has no hidden layers, got ${hidden.length}`
    errors.push({ pointer: `${base}/hidden`, detail })
  }
  const count = classes?.length ?? 0
  const isSingle = activation === 'sigmoid' || (activation === 'step' && count === 2)
  if (activation === 'sigmoid' && count !== 2) {
    const detail = `one sigmoid output tells 2 classes apart, not ${count}`
    errors.push({ pointer: `${base}/classes`, detail })
  }
  const wanted = isSingle ? 1 : count
  if (outputs !== wanted) {
    const detail = `"${activation}" with ${count} classes has ${wanted} outputs, got ${outputs}`
    errors.push({ pointer: `${base}/outputs`, detail })
  }
  return errors
}

function findPreprocessingFaults(
  { inputs, task }: ArchitectureInput,
  preprocessing: Preprocessing | null,
  base: string,
): FieldError[] {
  if (preprocessing === null) return []
  const errors: FieldError[] = []
  const width = encodedWidth(preprocessing)
  if (width !== inputs) {
    const detail = `gives ${width} inputs, the architecture has ${inputs}`
    errors.push({ pointer: `${base}/columns`, detail })
  }
  for (const [i, column] of preprocessing.columns.entries()) {
    if (column.kind !== 'one_hot' && !(column.scale > 0)) {
      const detail = `must be more than 0, got ${column.scale}`
      errors.push({ pointer: `${base}/columns/${i}/scale`, detail })
    }
  }
  if (preprocessing.target !== null && task === 'classification') {
    errors.push({ pointer: `${base}/target`, detail: 'a classification does not scale its target' })
  } else if (preprocessing.target !== null && !(preprocessing.target.scale > 0)) {
    const detail = `must be more than 0, got ${preprocessing.target.scale}`
    errors.push({ pointer: `${base}/target/scale`, detail })
  }
  return errors
}
