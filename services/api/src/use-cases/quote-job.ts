import type { Dataset, JobQuote, JobSpec, ProjectId } from '@trainyard/contracts'
import {
  type DatasetStore,
  DomainError,
  type InitialModel,
  type ModelStore,
} from '@trainyard/domain'
import { quoteTraining, type TrainingFacts } from '@trainyard/model/quote'
import { findDataset } from './find-dataset.ts'
import { findModelVersion } from './find-model.ts'

export type QuoteJob = (projectId: ProjectId, spec: JobSpec) => Promise<JobQuote>
export type FindTrainingFacts = (projectId: ProjectId, spec: JobSpec) => Promise<TrainingFacts>

/** Everything a submission would resolve to, within the limits; nothing is stored. */
export function makeQuoteJob(deps: {
  findFacts: FindTrainingFacts
  jobMemoryBytesMax: number
  drawSeed: () => number
}): QuoteJob {
  const { findFacts, jobMemoryBytesMax: memoryBytesMax, drawSeed } = deps
  return async (projectId, spec) =>
    quoteTraining(spec, await findFacts(projectId, spec), { memoryBytesMax, drawSeed })
}

/** What a specification refers to, in the project; throws `dataset_not_found` and the like for what is not there. */
export function makeFindTrainingFacts(deps: {
  datasets: Pick<DatasetStore, 'find' | 'profile'>
  models: Pick<ModelStore, 'findVersion'>
}): FindTrainingFacts {
  return async (projectId, spec) => {
    const dataset = await findDataset(deps.datasets, projectId, spec.dataset_id)
    const initialModel = await findInitialModel(projectId, spec)
    const validationSet = await findValidationSet(projectId, spec)
    const profile = spec.training?.oversample ? await deps.datasets.profile(dataset.id) : null
    return { dataset, profile, validationSet, initialModel }
  }

  async function findValidationSet(
    projectId: ProjectId,
    { dataset_id, validation }: JobSpec,
  ): Promise<Dataset | null> {
    if (validation == null || !('dataset_id' in validation)) return null
    if (validation.dataset_id === dataset_id) {
      const detail = 'is the data set that is trained on, which proves nothing; name another'
      const errors = [{ pointer: '#/validation/dataset_id', detail }]
      throw new DomainError('validation_error', { errors })
    }
    return await findDataset(deps.datasets, projectId, validation.dataset_id)
  }

  async function findInitialModel(
    projectId: ProjectId,
    { initial_weights: initial }: JobSpec,
  ): Promise<InitialModel | null> {
    if (initial == null) return null
    return await findModelVersion(deps.models, projectId, initial.model, initial.version ?? null)
  }
}
