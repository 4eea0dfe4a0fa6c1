/** Jobs that are others with changes: what their patch is applied to, and what a training that goes on may not change. */
import type { Checkpoint, FieldError, Job, ResolvedConfig } from '@trainyard/contracts'

/**
 * The specification that a clone's patch is applied to: as it was sent, with the seed that was drawn. A job that names neither
 * epochs nor batch size has both from the recipe, and when to stop with them: a patch that names one of them changes that alone.
 */
export function toCloneBase(
  { config, resolved_config: resolved }: Job,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  const base = { ...config, seed: resolved.seed }
  const isOfRecipe =
    config.training?.epochs === undefined && config.training?.batch_size === undefined
  const { training } = patch
  const namesLength =
    typeof training === 'object' &&
    training !== null &&
    ('epochs' in training || 'batch_size' in training)
  // For other rows another batch may be right.
  if (!isOfRecipe || !namesLength || 'dataset_id' in patch) return base
  const { batch_size, epochs, early_stopping } = resolved.training
  return { ...base, training: { ...config.training, batch_size, epochs, early_stopping } }
}

/**
 * The specification that a fork's patch is applied to: as it was sent, with what depends on each other or was drawn
 * written out, so that a change of the epochs does not choose another batch size, nor an alias that has moved another model.
 */
export function toForkBase({ config, resolved_config: resolved }: Job): Record<string, unknown> {
  const { batch_size, epochs, early_stopping } = resolved.training
  const { initial_weights: initial } = resolved
  return {
    ...config,
    ...(initial && { initial_weights: { model: initial.model, version: initial.version } }),
    seed: resolved.seed,
    training: { ...config.training, batch_size, epochs, early_stopping },
  }
}

/** Every setting that decides what the state of a training means, and is another than it was, or leaves nothing to train. */
export function findForkFaults(
  before: ResolvedConfig,
  after: ResolvedConfig,
  { epoch, seconds }: Pick<Checkpoint, 'epoch' | 'seconds'>,
): FieldError[] {
  const errors: FieldError[] = []
  const [fixedBefore, fixedAfter] = [fixedParts(before), fixedParts(after)]
  for (const [place, value] of Object.entries(fixedBefore)) {
    if (toText(value) === toText(fixedAfter[place])) continue
    const detail = `cannot change: the checkpoint is of a training with ${toText(value)}`
    errors.push({ pointer: `#/${place}`, detail })
  }
  if (after.validation !== null && 'folds' in after.validation) {
    const detail =
      'a job with folds cannot be continued, as they judged the settings before; clone it'
    errors.push({ pointer: '#/validation/folds', detail })
  }
  if (after.training.epochs <= epoch) {
    const detail = `must be more than the ${epoch} epochs that the checkpoint has behind it`
    errors.push({ pointer: '#/training/epochs', detail })
  }
  const { max_seconds: maxSeconds } = after.limits
  if (maxSeconds !== null && maxSeconds <= seconds) {
    const detail = `must be more than the ${seconds} seconds that the checkpoint has behind it, or null for no limit`
    errors.push({ pointer: '#/limits/max_seconds', detail })
  }
  return errors
}

function fixedParts(resolved: ResolvedConfig): Record<string, unknown> {
  const { training, model } = resolved
  return {
    task: resolved.task,
    preprocessing: resolved.preprocessing,
    validation: resolved.validation,
    test: resolved.test,
    seed: resolved.seed,
    initial_weights: resolved.initial_weights,
    'model/hidden': model.hidden.map(({ units, activation, batch_norm }) => {
      return { units, activation, batch_norm }
    }),
    'model/output': { units: model.output.units, activation: model.output.activation },
    'training/loss': training.loss,
    'training/label_smoothing': training.label_smoothing,
    'training/optimizer/type': training.optimizer.type,
    'training/batch_size': training.batch_size,
    'training/shuffle': training.shuffle,
    'training/oversample': training.oversample,
    'training/image': training.image,
  }
}

/** Keys are sorted: Postgres does not keep their order. */
function toText(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'none'
  )
}
