/** A warm start: whether the weights of a model fit the network that they are to begin. */
import type {
  Architecture,
  FieldError,
  JobSpec,
  ModelVersion,
  ResolvedConfig,
} from '@trainyard/contracts'

export interface InitialModel extends Pick<ModelVersion, 'model' | 'version' | 'sha256'> {
  architecture: Architecture
}

export function toInitialWeights(model: InitialModel | null): ResolvedConfig['initial_weights'] {
  return model === null
    ? null
    : { model: model.model, version: model.version, sha256: model.sha256 }
}

/** Every reason why the weights do not fit: shapes, batch normalization, classes, and initializers that would do nothing. */
export function findInitialWeightsFaults(
  spec: JobSpec,
  resolved: ResolvedConfig['model'],
  classes: readonly string[] | null,
  { model, version, architecture }: InitialModel,
): FieldError[] {
  const errors: FieldError[] = []
  const name = `model "${model}" version ${version}`
  const compare = (pointer: string, what: string, here: unknown, there: unknown) => {
    if (here !== there) {
      errors.push({ pointer, detail: `${what} ${String(here)}, but ${name} has ${String(there)}` })
    }
  }

  compare('#/dataset_id', 'the inputs are', resolved.inputs, architecture.inputs)
  const given = resolved.hidden
  compare('#/model/hidden', 'the hidden layers are', given.length, architecture.hidden.length)
  for (const [i, layer] of given.entries()) {
    const there = architecture.hidden[i]
    if (there === undefined) break
    const at = `#/model/hidden/${i}`
    compare(`${at}/units`, 'the units are', layer.units, there.units)
    compare(`${at}/batch_norm`, 'batch_norm is', layer.batch_norm, there.batch_norm)
  }
  compare('#/model/output', 'the outputs are', resolved.output.units, architecture.outputs)
  if (!areSame(classes, architecture.classes)) {
    errors.push({
      pointer: '#/initial_weights/model',
      detail: `the target has ${quoteAll(classes)}, but ${name} has ${quoteAll(architecture.classes)}; they must be the same in the same order`,
    })
  }
  errors.push(...findInitializers(spec))
  return errors
}

function findInitializers({ model }: JobSpec): FieldError[] {
  if (typeof model !== 'object') return []
  const output = typeof model.output === 'object' ? model.output : undefined
  const places = [
    ...model.hidden.map((layer, i) => [`hidden/${i}`, layer.initializer] as const),
    ['output', output?.initializer] as const,
  ]
  return places
    .filter(([, initializer]) => initializer !== undefined && initializer !== 'auto')
    .map(([place]) => ({
      pointer: `#/model/${place}/initializer`,
      detail: 'the weights come from initial_weights; leave the initializer out',
    }))
}

function areSame(a: Architecture['classes'] | readonly string[], b: Architecture['classes']) {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((name, i) => name === b[i])
}

function quoteAll(classes: readonly string[] | null): string {
  if (classes === null) return 'no classes'
  const shown = classes.slice(0, 10).map((name) => `"${name}"`)
  return `the classes ${shown.join(', ')}${classes.length > shown.length ? ', …' : ''}`
}
