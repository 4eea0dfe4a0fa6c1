/** From a sweep as it was written to what runs it: every default filled in, or every fault of it at once. Pure. */
import {
  type FieldError,
  LISTED_VALUES_MAX,
  SWEPT_PARAMETERS_MAX,
  type Sweep,
  type SweepMethod,
  type SweepSpec,
  TRIALS_MAX,
  type TrialParams,
} from '@trainyard/contracts'
import { type Constraint, ConstraintError, parseConstraint } from './constraint.ts'
import { escapePointer } from './escape-pointer.ts'
import { isSweepable } from './job-spec-of.ts'
import { type Gc, resolveGc } from './resolve-gc.ts'
import { compileSpace, type JsonValue, type Space } from './space.ts'
import { countGrid, GRID_POINTS_MAX, listGrid } from './strategies/grid.ts'
import { tryConstraints, tryValues } from './try-values.ts'

export interface RoundPlan {
  firstTrialIndex: number
  trials: number
  shrink: number
  top: number
}

export type EarlyTermination =
  | {
      type: 'median'
      startup_trials: number
      warmup_epochs: number
      interval_epochs: number
      min_trials: number
    }
  | { type: 'asha' | 'hyperband'; min_epochs: number; max_epochs: number; reduction: number }

export interface ResolvedSweep {
  method: SweepMethod
  datasetId: string
  base: SweepSpec['base']
  seed: number
  objective: Sweep['objective']
  space: Space
  constraints: readonly Constraint[]
  initialPoints: readonly TrialParams[]
  repeats: number
  maxTrials: number
  /** null: as many as there are threads for. */
  maxParallel: number | null
  maxFailed: number | null
  maxSeconds: number | null
  earlyTermination: EarlyTermination | null
  /** Of coarse_to_fine; empty for the others. */
  rounds: readonly RoundPlan[]
  gc: Gc
}

const TRIALS_DEFAULT = 60
const ROUNDS_DEFAULT = [{ trials: 40 }, { trials: 20 }]
const SHRINK_DEFAULT = 0.3
const TOP_DEFAULT = 5
/** What a job without any epochs runs for; ASHA's last rung lies within. */
const EPOCHS_DEFAULT = 100

export type Resolution = { sweep: ResolvedSweep } | { faults: FieldError[] }

/** `seed` is used where the specification has none; `maxTrials` once a sweep was extended. */
export function resolveSweep(
  spec: SweepSpec,
  drawn: { seed: number; maxTrials?: number | undefined },
): Resolution {
  const faults: FieldError[] = []
  const refuse = (pointer: string, detail: string) => faults.push({ pointer, detail })
  const method = spec.method ?? 'random'
  const datasetId = resolveDataset(spec, refuse)
  const names = Object.keys(spec.parameters)
  if (names.length === 0) refuse('#/parameters', 'is empty: there is nothing to search')
  if (names.length > SWEPT_PARAMETERS_MAX) {
    refuse(
      '#/parameters',
      `has ${names.length} entries, at most ${SWEPT_PARAMETERS_MAX} are accepted`,
    )
  }
  const listed = Object.values(spec.parameters).reduce(
    (sum, { values }) => sum + (values?.length ?? 0),
    0,
  )
  if (listed > LISTED_VALUES_MAX) {
    refuse('#/parameters', `list ${listed} values, at most ${LISTED_VALUES_MAX} are accepted`)
  }
  for (const name of names.filter((one) => !isSweepable(one))) {
    refuse(
      `#/parameters/${escapePointer(name)}`,
      'is not a field that a sweep can vary; write a dotted path below model, training or preprocessing, or seed',
    )
  }
  const { space, faults: ofSpace } = compileSpace(spec)
  faults.push(...ofSpace)
  const constraints = resolveConstraints(spec, refuse)
  const initialPoints = resolveInitialPoints(spec, refuse)
  const objective = resolveObjective(spec, refuse)
  const rounds = method === 'coarse_to_fine' ? resolveRounds(spec, drawn.maxTrials, refuse) : []
  if (method !== 'coarse_to_fine' && spec.rounds !== undefined) {
    refuse('#/rounds', `belongs to the method coarse_to_fine, not to ${method}`)
  }
  const earlyTermination = resolveEarlyTermination(spec, method, refuse)
  const resolved: ResolvedSweep = {
    method,
    datasetId,
    base: spec.base,
    seed: spec.seed ?? drawn.seed,
    objective,
    space,
    constraints,
    initialPoints,
    repeats: spec.repeats ?? 1,
    maxTrials: 0,
    maxParallel: spec.max_parallel ?? null,
    maxFailed: spec.max_failed ?? null,
    maxSeconds: spec.max_seconds ?? null,
    earlyTermination,
    rounds,
    gc: resolveGc(spec.gc),
  }
  if (faults.length === 0) faults.push(...tryValues(resolved))
  if (faults.length === 0) faults.push(...tryConstraints(resolved))
  if (faults.length > 0) return { faults }
  const maxTrials = countTrials(resolved, spec, drawn.maxTrials, refuse)
  const points = resolved.initialPoints.length
  if (faults.length === 0 && points > maxTrials) {
    refuse('#/initial_points', `has ${points} entries for ${maxTrials} trials`)
  }
  return faults.length > 0 ? { faults } : { sweep: { ...resolved, maxTrials } }
}

function resolveDataset({ dataset_id: own, base }: SweepSpec, refuse: Refuse): string {
  if (own !== undefined && base.dataset_id !== undefined && own !== base.dataset_id) {
    refuse('#/base/dataset_id', `is ${base.dataset_id}, but the sweep's dataset_id is ${own}`)
  }
  const id = own ?? base.dataset_id
  if (id === undefined) refuse('#/dataset_id', 'is missing, here and in base')
  return id ?? ''
}

type Refuse = (pointer: string, detail: string) => void

function resolveConstraints(spec: SweepSpec, refuse: Refuse): Constraint[] {
  const names = Object.keys(spec.parameters)
  return (spec.constraints ?? []).flatMap((text, i) => {
    try {
      return [parseConstraint(text, names, (path) => readPath(spec.base as JsonValue, path))]
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error
      refuse(`#/constraints/${i}`, error.message)
      return []
    }
  })
}

function readPath(document: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, JsonValue>)[key]
  }
  return value
}

function resolveInitialPoints(spec: SweepSpec, refuse: Refuse): TrialParams[] {
  const points = spec.initial_points ?? []
  points.forEach((point, i) => {
    for (const name of Object.keys(point)) {
      if (Object.hasOwn(spec.parameters, name)) continue
      refuse(`#/initial_points/${i}/${escapePointer(name)}`, 'is not a parameter of this sweep')
    }
  })
  return points
}

function resolveObjective({ objective = {}, base }: SweepSpec, refuse: Refuse): Sweep['objective'] {
  const isValidated = base.validation !== null
  const metric = objective.metric ?? (isValidated ? 'val_loss' : 'train_loss')
  const natural = metric.endsWith('accuracy') ? 'maximize' : 'minimize'
  if (!isValidated && metric.startsWith('val_')) {
    refuse('#/objective/metric', `${metric} needs a validation part, and base.validation is null`)
  }
  return {
    metric,
    goal: objective.goal ?? natural,
    target: objective.target ?? null,
    at: objective.at ?? 'best',
  }
}

function resolveRounds(
  spec: SweepSpec,
  extendedTo: number | undefined,
  refuse: Refuse,
): RoundPlan[] {
  const written: NonNullable<SweepSpec['rounds']> = spec.rounds ?? ROUNDS_DEFAULT
  let first = 0
  const rounds = written.map((round, i): RoundPlan => {
    const { trials, shrink = SHRINK_DEFAULT, top = TOP_DEFAULT } = round
    if (i === 0 && ('shrink' in round || 'top' in round)) {
      refuse(
        '#/rounds/0',
        'the first round searches the whole ranges: shrink and top belong to the later ones',
      )
    }
    const plan = { firstTrialIndex: first, trials, shrink, top }
    first += trials
    return plan
  })
  if (spec.max_trials !== undefined && spec.max_trials !== first) {
    refuse(
      '#/max_trials',
      `is ${spec.max_trials}, but the rounds have ${first} trials; leave it out`,
    )
  }
  if (first > TRIALS_MAX)
    refuse('#/rounds', `have ${first} trials, at most ${TRIALS_MAX} are accepted`)
  const last = rounds.at(-1)
  if (last !== undefined && extendedTo !== undefined && extendedTo > first) {
    last.trials += extendedTo - first
  }
  return rounds
}

function resolveEarlyTermination(
  spec: SweepSpec,
  method: SweepMethod,
  refuse: Refuse,
): EarlyTermination | null {
  const given = spec.early_termination ?? null
  if (given === null) return null
  const pointer = '#/early_termination'
  if ((spec.repeats ?? 1) > 1) refuse(pointer, 'together with repeats is not supported')
  if (spec.base.validation != null && 'folds' in spec.base.validation) {
    refuse(pointer, 'together with folds is not supported')
  }
  if (method === 'grid' && given.type === 'hyperband') {
    refuse(pointer, 'hyperband draws its own trials: use random or tpe')
  }
  if (given.type === 'median') {
    return {
      type: 'median',
      startup_trials: given.startup_trials ?? 5,
      warmup_epochs: given.warmup_epochs ?? 0,
      interval_epochs: given.interval_epochs ?? 1,
      min_trials: given.min_trials ?? 1,
    }
  }
  const epochs = spec.base.training?.epochs ?? EPOCHS_DEFAULT
  const min_epochs = given.min_epochs ?? 1
  const max_epochs = given.max_epochs ?? epochs
  if (min_epochs >= max_epochs) {
    refuse(`${pointer}/min_epochs`, `is ${min_epochs}, which is not below max_epochs ${max_epochs}`)
  }
  return { type: given.type, min_epochs, max_epochs, reduction: given.reduction ?? 3 }
}

function countTrials(
  sweep: ResolvedSweep,
  spec: SweepSpec,
  extendedTo: number | undefined,
  refuse: Refuse,
): number {
  if (sweep.method === 'coarse_to_fine') {
    return sweep.rounds.reduce((sum, { trials }) => sum + trials, 0)
  }
  const asked = extendedTo ?? spec.max_trials
  if (sweep.method !== 'grid') return asked ?? TRIALS_DEFAULT
  for (const dimension of sweep.space.dimensions) {
    if (dimension.kind === 'numeric' && dimension.step === null && dimension.count === null) {
      const pointer = `#/parameters/${escapePointer(dimension.name)}/count`
      refuse(pointer, 'a grid over a continuous range needs the number of its points')
    }
  }
  const points = countGrid(sweep.space)
  if (points > GRID_POINTS_MAX) {
    refuse('#/parameters', `the grid has ${points} points, at most ${GRID_POINTS_MAX} are accepted`)
    return 0
  }
  const listed = listGrid(sweep).length
  if (listed === 0) refuse('#/constraints', 'together they refuse every point of the grid')
  const trials = Math.min(listed, asked ?? listed)
  if (trials > TRIALS_MAX) {
    refuse(
      '#/parameters',
      `the grid has ${listed} points, at most ${TRIALS_MAX} are accepted; or give max_trials`,
    )
  }
  return trials
}
