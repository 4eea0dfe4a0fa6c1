import type { JobQuote, JobSpec, ProjectId } from '@trainyard/contracts'
import {
  type DatasetStore,
  DomainError,
  type HeldOutSet,
  type InitialModel,
  type ModelStore,
} from '@trainyard/domain'
import { quoteTraining, type TrainingFacts } from '@trainyard/model/quote'
import { findDataset } from './find-dataset.ts'
import { findNetworkVersion } from './find-model.ts'

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
    const [validationSet, testSet] = await findHeldOut(projectId, spec)
    const needsProfile =
      spec.training?.oversample === true ||
      [spec.validation, spec.test].some((part) => part != null && 'group_column' in part) ||
      dataset.columns.some(({ role }) => role === 'group')
    const profile = needsProfile ? await deps.datasets.profile(dataset.id) : null
    return { dataset, profile, validationSet, testSet, initialModel }
  }

  /** The data sets of their own that validation and test have; every part proves something only on rows of its own. */
  async function findHeldOut(
    projectId: ProjectId,
    spec: JobSpec,
  ): Promise<[HeldOutSet | null, HeldOutSet | null]> {
    const uses = new Map([[spec.dataset_id, 'that is trained on']])
    const find = async (part: HeldOutSet['part'], used: string): Promise<HeldOutSet | null> => {
      const asked = spec[part]
      if (asked == null || !('dataset_id' in asked)) return null
      const taken = uses.get(asked.dataset_id)
      if (taken !== undefined) {
        const detail = `is the data set ${taken}, which proves nothing; name another`
        const errors = [{ pointer: `#/${part}/dataset_id`, detail }]
        throw new DomainError('validation_error', { errors })
      }
      uses.set(asked.dataset_id, used)
      return { ...(await findDataset(deps.datasets, projectId, asked.dataset_id)), part }
    }
    return [await find('validation', 'that validates'), await find('test', 'that tests')]
  }

  async function findInitialModel(
    projectId: ProjectId,
    { initial_weights: initial }: JobSpec,
  ): Promise<InitialModel | null> {
    if (initial == null) return null
    return await findNetworkVersion(deps.models, projectId, initial, '#/initial_weights/model')
  }
}
