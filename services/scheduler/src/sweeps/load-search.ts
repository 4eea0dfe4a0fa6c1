/** What a sweep's trials are made of, read once: its resolved specification and what that refers to. */
import type { Dataset, JobSpec, SweepId } from '@trainyard/contracts'
import type {
  DatasetStore,
  HeldOutSet,
  InitialModel,
  ModelStore,
  RunningSweep,
} from '@trainyard/domain'
import type { TrainingFacts } from '@trainyard/model/quote'
import { makeSuggest, type ResolvedSweep, resolveSweep } from '@trainyard/sweeps'

export interface Search {
  sweep: ResolvedSweep
  facts: TrainingFacts
  suggest: ReturnType<typeof makeSuggest>
}

/** A search that can no longer be carried out, as when its data set is gone. */
export class LostSearchError extends Error {
  override readonly name = 'LostSearchError'
}

const SEARCHES_KEPT = 100

export function makeLoadSearch({
  datasets,
  models,
}: {
  datasets: Pick<DatasetStore, 'find' | 'profile'>
  models: Pick<ModelStore, 'findVersion'>
}): (running: RunningSweep) => Promise<Search> {
  const kept = new Map<SweepId, { maxTrials: number; search: Search }>()
  return async (running) => {
    const known = kept.get(running.id)
    // An extended sweep has more trials than the one that was loaded.
    if (known !== undefined && known.maxTrials === running.maxTrials) return known.search
    const search = await load(running)
    kept.delete(running.id)
    kept.set(running.id, { maxTrials: running.maxTrials, search })
    const oldest = kept.keys().next().value
    if (kept.size > SEARCHES_KEPT && oldest !== undefined) kept.delete(oldest)
    return search
  }

  async function load(running: RunningSweep): Promise<Search> {
    const { config, seed, maxTrials } = running
    const resolution = resolveSweep(config, { seed, maxTrials })
    if ('faults' in resolution) {
      throw new LostSearchError(
        resolution.faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '),
      )
    }
    const { sweep } = resolution
    const facts = await findFacts(running, { ...config.base, dataset_id: sweep.datasetId })
    return { sweep, facts, suggest: makeSuggest(sweep) }
  }

  async function findFacts({ projectId }: RunningSweep, base: JobSpec): Promise<TrainingFacts> {
    const find = async (id: string): Promise<Dataset> => {
      const dataset = await datasets.find(projectId, id)
      if (dataset === null) throw new LostSearchError(`the data set ${id} is gone`)
      return dataset
    }
    const dataset = await find(base.dataset_id)
    const findPart = async (part: HeldOutSet['part']): Promise<HeldOutSet | null> => {
      const asked = base[part]
      return asked != null && 'dataset_id' in asked
        ? { ...(await find(asked.dataset_id)), part }
        : null
    }
    return {
      dataset,
      validationSet: await findPart('validation'),
      testSet: await findPart('test'),
      initialModel: await findInitialModel(projectId, base),
      profile: await datasets.profile(dataset.id),
    }
  }

  async function findInitialModel(
    projectId: RunningSweep['projectId'],
    { initial_weights: initial }: JobSpec,
  ): Promise<InitialModel | null> {
    if (initial == null) return null
    const version = await models.findVersion(projectId, initial.model, initial.version ?? null)
    const architecture = version?.architecture ?? null
    if (version === null || architecture === null) {
      throw new LostSearchError(`the model ${initial.model} is gone`)
    }
    return { ...version, architecture }
  }
}
