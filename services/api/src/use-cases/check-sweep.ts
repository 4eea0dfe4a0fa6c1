import type {
  FieldError,
  JobQuote,
  ProjectId,
  ResolvedConfig,
  SweepSpec,
  TrialParams,
} from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { quoteTraining } from '@trainyard/model/quote'
import {
  listProbes,
  placePointer,
  type ResolvedSweep,
  resolveSweep,
  toTrialSpecs,
  tryInitialPoints,
} from '@trainyard/sweeps'
import type { FindTrainingFacts } from './quote-job.ts'
import { makeTakeTurns } from './take-turns.ts'

export interface CheckedSweep {
  sweep: ResolvedSweep
  /** What the first repeat of a trial resolves to. Throws `validation_error` where the service refuses it. */
  quote: (params: TrialParams) => JobQuote
}

export type CheckSweep = (projectId: ProjectId, spec: SweepSpec) => Promise<CheckedSweep>

/**
 * A sweep with every default filled in. Throws `validation_error` with every fault that can be known before a trial runs:
 * those of the specification, and those of the trainings at the ends of its ranges and in its first trials.
 */
export function makeCheckSweep(deps: {
  findFacts: FindTrainingFacts
  jobMemoryBytesMax: number
  drawSeed: () => number
}): CheckSweep {
  const { findFacts, jobMemoryBytesMax: memoryBytesMax, drawSeed } = deps
  return async (projectId, spec) => {
    const resolution = resolveSweep(spec, { seed: drawSeed() })
    if ('faults' in resolution) throw invalid(resolution.faults)
    const { sweep } = resolution
    const facts = await findFacts(projectId, { ...sweep.base, dataset_id: sweep.datasetId })
    const quote = (params: TrialParams): JobQuote => {
      const result = toTrialSpecs(sweep, params)
      if ('faults' in result) {
        throw invalid(result.faults.map(({ pointer, detail }) => ({ pointer, detail })))
      }
      const [first] = result.specs
      if (first === undefined) throw new Error('a trial without repeats')
      return quoteTraining(first, facts, { memoryBytesMax, drawSeed })
    }
    const faults = new Map<string, FieldError>()
    const probes = listProbes(sweep)
    const takeTurns = makeTakeTurns()
    for (const params of probes) {
      await takeTurns()
      for (const fault of faultsOf(() => quote(params), Object.keys(params))) {
        // Of many values that are refused for the same cause the first will do.
        if (!faults.has(fault.pointer ?? '')) faults.set(fault.pointer ?? '', fault)
      }
    }
    for (const fault of tryInitialPoints(sweep)) faults.set(fault.pointer ?? '', fault)
    const [probe] = probes
    if (faults.size === 0 && probe !== undefined) {
      const fault = findObjectiveFault(sweep, quote(probe).resolved_config)
      if (fault !== null) faults.set('', fault)
    }
    if (faults.size > 0) throw invalid([...faults.values()])
    return { sweep, quote }
  }
}

/** Trials that have no such metric would train for nothing. */
function findObjectiveFault(
  { objective: { metric } }: ResolvedSweep,
  { task, validation }: ResolvedConfig,
): FieldError | null {
  const pointer = '#/objective/metric'
  if (task === 'regression' && metric.endsWith('_accuracy')) {
    return { pointer, detail: `is ${metric}, but regression has no accuracy; compare by a loss` }
  }
  if (validation === null && metric.startsWith('val_')) {
    return { pointer, detail: `is ${metric}, but there is no validation part; use train_loss` }
  }
  return null
}

/** At their places in the sweep's specification. */
function faultsOf(quote: () => unknown, names: readonly string[]): FieldError[] {
  try {
    quote()
    return []
  } catch (error) {
    if (!(error instanceof DomainError) || error.details.errors === undefined) throw error
    return error.details.errors.map(({ pointer, detail }) => ({
      pointer: pointer?.startsWith('#/parameters') ? pointer : placePointer(names, pointer),
      detail,
    }))
  }
}

function invalid(errors: FieldError[]): DomainError {
  return new DomainError('validation_error', { errors })
}
