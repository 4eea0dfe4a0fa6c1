import type {
  EnsembleSweepBody,
  JobId,
  ModelVersion,
  ProjectId,
  PromoteSweepBody,
  Sweep,
  Trial,
} from '@trainyard/contracts'
import { DomainError, type IdempotentRequest, type SweepStore } from '@trainyard/domain'
import type { CreateModel } from './create-model.ts'
import { findSweep } from './find-sweep.ts'
import type { Replayable } from './replay.ts'

export interface RegisterTrials {
  /** The best trial, or the one named, as the next version of a model. */
  promote(
    projectId: ProjectId,
    id: string,
    body: PromoteSweepBody,
    request: IdempotentRequest | null,
  ): Promise<Replayable<ModelVersion>>
  /** The best trials averaged, as one model. */
  ensemble(
    projectId: ProjectId,
    id: string,
    body: EnsembleSweepBody,
    request: IdempotentRequest | null,
  ): Promise<Replayable<ModelVersion>>
}

export function makeRegisterTrials({
  sweeps,
  createModel,
}: {
  sweeps: Pick<SweepStore, 'find' | 'trials'>
  createModel: CreateModel
}): RegisterTrials {
  return {
    async promote(projectId, id, { name, trial_index, which = 'best' }, request) {
      const sweep = await findSweep(sweeps, projectId, id)
      const trial = trial_index === undefined ? sweep.best : await findTrial(sweep, trial_index)
      const body = { name, job_id: jobOf(trial), which }
      return await createModel(projectId, { kind: 'register', body }, request)
    },

    async ensemble(projectId, id, { name, top }, request) {
      const sweep = await findSweep(sweeps, projectId, id)
      const { data } = await sweeps.trials(sweep, { limit: top, sort: 'objective' })
      const best = data.filter(({ objective }) => objective !== null)
      if (best.length < top) {
        const detail = `${best.length} trials have a result, ${top} are to be averaged.`
        throw new DomainError('sweep_unfinished', { detail })
      }
      const members = best.map((trial) => ({ job_id: jobOf(trial), which: 'best' as const }))
      return await createModel(projectId, { kind: 'ensemble', body: { name, members } }, request)
    },
  }

  async function findTrial(sweep: Sweep, index: number): Promise<Trial> {
    const page = { limit: 1, sort: 'trial_index', ...(index > 0 && { after: index - 1 }) } as const
    const trial = (await sweeps.trials(sweep, page)).data[0]
    if (trial?.trial_index !== index) throw new DomainError('trial_not_found')
    return trial
  }
}

/** Of repeats the first: they differ by the seed alone. */
function jobOf(trial: Trial | null): JobId {
  const [job] = trial?.job_ids ?? []
  if (trial?.objective == null || job === undefined) {
    const detail = 'No trial that could be registered has a result yet.'
    throw new DomainError('sweep_unfinished', { detail })
  }
  return job
}
