import {
  createId,
  type DatasetId,
  type ProjectId,
  type Sweep,
  type SweepSpec,
} from '@trainyard/contracts'
import type { IdempotencyStore, IdempotentRequest, Pulse, SweepStore } from '@trainyard/domain'
import type { CheckSweep } from './check-sweep.ts'
import { findReplay, fromOnce, type Replayable } from './replay.ts'

export type CreateSweep = (
  projectId: ProjectId,
  spec: SweepSpec,
  request: IdempotentRequest | null,
) => Promise<Replayable<Sweep>>

/** Accepts a sweep as one row, however many trials it has: the scheduler chooses them as there is room. */
export function makeCreateSweep(deps: {
  sweeps: Pick<SweepStore, 'insert'>
  idempotency: Pick<IdempotencyStore, 'find'>
  pulse: Pick<Pulse, 'jobQueued'>
  checkSweep: CheckSweep
  engineVersion: string
}): CreateSweep {
  const { sweeps, idempotency, pulse, checkSweep, engineVersion } = deps
  return async (projectId, spec, request) => {
    const replay = await findReplay<Sweep>(idempotency, projectId, request)
    if (replay !== null) return replay
    const { sweep } = await checkSweep(projectId, spec)
    const once = await sweeps.insert(
      {
        id: createId('sweep'),
        projectId,
        datasetId: sweep.datasetId as DatasetId,
        name: spec.name ?? null,
        config: spec,
        method: sweep.method,
        seed: sweep.seed,
        objective: sweep.objective,
        repeats: sweep.repeats,
        maxTrials: sweep.maxTrials,
        engineVersion,
        metadata: spec.metadata ?? {},
      },
      request,
    )
    if (once.kind === 'done') pulse.jobQueued()
    return fromOnce(once, request)
  }
}
