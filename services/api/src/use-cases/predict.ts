import {
  LATEST,
  type ModelPredictBody,
  type ModelPrediction,
  type PredictBody,
  type Prediction,
  type ProjectId,
} from '@trainyard/contracts'
import { DomainError, type JobStore, type VersionChoice } from '@trainyard/domain'
import { findJob } from './find-job.ts'
import { isAlias } from './find-model.ts'
import type { LoadModel } from './load-model.ts'
import { type LoadVersion, signatureOf } from './load-version.ts'
import type { RunModel } from './run-model.ts'

export type Predict = (projectId: ProjectId, id: string, body: PredictBody) => Promise<Prediction>

/** By the weights of a job. */
export function makePredict(deps: {
  jobs: Pick<JobStore, 'find'>
  loadModel: LoadModel
  runModel: Pick<RunModel, 'predict'>
}): Predict {
  const { jobs, loadModel, runModel } = deps
  return async (projectId, id, body) => {
    const job = await findJob(jobs, projectId, id)
    const which = body.which ?? 'best'
    const { key, architecture, preprocessing, bytes } = await loadModel(job, which)
    const model = { key, networks: [{ architecture, preprocessing }], bytes }
    const predictions = await runModel.predict(model, body)
    return { object: 'prediction', job_id: job.id, which, predictions }
  }
}

export type PredictByModel = (
  projectId: ProjectId,
  name: string,
  /** Records, or a table as CSV. */
  body: ModelPredictBody | (Pick<ModelPredictBody, 'version' | 'alias'> & { csv: string }),
) => Promise<ModelPrediction>

/** By a version of a model. */
export function makePredictByModel(deps: {
  loadVersion: LoadVersion
  runModel: Pick<RunModel, 'predict' | 'predictCsv'>
}): PredictByModel {
  const { loadVersion, runModel } = deps
  return async (projectId, name, body) => {
    const { version, model } = await loadVersion(projectId, name, toChoice(body))
    const predictions =
      'csv' in body
        ? await runModel.predictCsv({ model, text: body.csv, signature: signatureOf(version) })
        : await runModel.predict(model, body)
    return { object: 'prediction', model: version.model, version: version.version, predictions }
  }
}

/** Throws `validation_error` for both at once, and for what can be no alias. */
export function toChoice({
  version,
  alias,
}: Pick<ModelPredictBody, 'version' | 'alias'>): VersionChoice {
  if (version !== undefined && alias !== undefined) {
    const detail = 'name a version or an alias, not both'
    throw new DomainError('validation_error', { errors: [{ pointer: '#/alias', detail }] })
  }
  if (alias === undefined) return version ?? null
  if (alias === LATEST || isAlias(alias)) return alias
  throw new DomainError('model_not_found')
}
