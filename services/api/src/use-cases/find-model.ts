import {
  type Model,
  type ModelVersion,
  modelNameSchema,
  type ProjectId,
} from '@trainyard/contracts'
import { DomainError, type ModelStore } from '@trainyard/domain'

/** The model, or `model_not_found`: of another project or never there, the answer is the same. */
export async function findModel(
  models: Pick<ModelStore, 'find'>,
  projectId: ProjectId,
  name: string,
): Promise<Model> {
  const model = isName(name) ? await models.find(projectId, name) : null
  if (model === null) throw new DomainError('model_not_found')
  return model
}

/** `version` null: the latest. */
export async function findModelVersion(
  models: Pick<ModelStore, 'findVersion'>,
  projectId: ProjectId,
  name: string,
  version: number | null,
): Promise<ModelVersion> {
  const found = isName(name) ? await models.findVersion(projectId, name, version) : null
  if (found === null) throw new DomainError('model_not_found')
  return found
}

/** What cannot be a name is not looked up: it may hold characters that Postgres has not. */
function isName(text: string): boolean {
  return modelNameSchema.safeParse(text).success
}
