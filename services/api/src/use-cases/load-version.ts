import type { ModelSignature, ModelVersion, ProjectId } from '@trainyard/contracts'
import type { ModelStore, VersionChoice } from '@trainyard/domain'
import { describeSignature, type StoredNetwork } from '@trainyard/model'
import type { LoadedModel } from '../threads/predictor-cache.ts'
import { findModelVersion } from './find-model.ts'
import type { ReadWeightBytes } from './load-model.ts'
import { shareQuestions } from './share-questions.ts'

export type LoadVersion = (
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
) => Promise<{ version: ModelVersion; model: LoadedModel }>

/** A version of a model with its weights. Throws `model_not_found`. */
export function makeLoadVersion({
  models,
  readWeightBytes,
}: {
  models: Pick<ModelStore, 'findVersion'>
  readWeightBytes: ReadWeightBytes
}): LoadVersion {
  const find = shareQuestions(
    (projectId, name, choice) => JSON.stringify([projectId, name, choice]),
    (projectId: ProjectId, name: string, choice: VersionChoice) =>
      findModelVersion(models, projectId, name, choice),
  )
  return async (projectId, name, choice) => {
    const version = await find(projectId, name, choice)
    const bytes = await readWeightBytes(version)
    // A purged name begins again: the number alone could mean another version by then.
    const key = `${projectId}/${name}/${version.version}/${version.created_at}/${version.sha256}`
    return { version, model: { key, networks: networksOf(version), bytes } }
  }
}

/** The networks of a version, in the order of its bytes. */
export function networksOf({
  architecture,
  preprocessing,
  members,
}: ModelVersion): StoredNetwork[] {
  return members ?? (architecture === null ? [] : [{ architecture, preprocessing }])
}

/** Versions from before there were signatures have none stored. */
export function signatureOf(version: ModelVersion): ModelSignature {
  const networks = networksOf(version).map((network) => ({ ...network, columns: null }))
  return version.signature ?? describeSignature(networks)
}
