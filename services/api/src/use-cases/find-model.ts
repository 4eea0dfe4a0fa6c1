import {
  type Architecture,
  aliasSchema,
  LATEST,
  MODEL_VERSION_MAX,
  type Model,
  type ModelVersion,
  modelNameSchema,
  type ProjectId,
} from '@trainyard/contracts'
import { DomainError, type ModelStore, type VersionChoice } from '@trainyard/domain'

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

export async function findModelVersion(
  models: Pick<ModelStore, 'findVersion'>,
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
): Promise<ModelVersion> {
  const found = isName(name) ? await models.findVersion(projectId, name, choice) : null
  if (found === null) throw new DomainError('model_not_found')
  return found
}

/** One network, as a warm start or a trace needs it; `pointer` is where the body names the model. */
export async function findNetworkVersion(
  models: Pick<ModelStore, 'findVersion'>,
  projectId: ProjectId,
  { model, version }: { model: string; version?: number | null | undefined },
  pointer: string,
): Promise<ModelVersion & { architecture: Architecture }> {
  const found = await findModelVersion(models, projectId, model, version ?? null)
  const { architecture } = found
  if (architecture !== null) return { ...found, architecture }
  const detail = `model "${model}" version ${found.version} is an ensemble; name one network`
  throw new DomainError('validation_error', { errors: [{ pointer, detail }] })
}

/** A version as it stands in a path. Throws `model_not_found` for what can be none. */
export function toVersionChoice(text: string): VersionChoice {
  if (text === LATEST || isAlias(text)) return text
  return toVersionNumber(text)
}

export function toVersionNumber(text: string): number {
  const version = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  if (version === 0 || version > MODEL_VERSION_MAX) throw new DomainError('model_not_found')
  return version
}

/** What cannot be a name is not looked up: it may hold characters that Postgres has not. */
export function isName(text: string): boolean {
  return modelNameSchema.safeParse(text).success
}

export function isAlias(text: string): boolean {
  return aliasSchema.safeParse(text).success
}
