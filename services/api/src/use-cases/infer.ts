/** What the Open Inference Protocol asks of a model: what it takes and gives, and its answers. */
import type { ModelVersion, ProjectId } from '@trainyard/contracts'
import type { ModelStore, VersionChoice } from '@trainyard/domain'
import type { InferenceResponse } from '@trainyard/formats'
import { possibleOutputs } from '@trainyard/model'
import {
  describeInputs,
  describeOutputs,
  type TensorDescription,
} from '../threads/answer-inference.ts'
import { findModel, findModelVersion } from './find-model.ts'
import { type LoadVersion, networksOf, signatureOf } from './load-version.ts'
import type { RunModel } from './run-model.ts'

export interface ModelMetadata {
  name: string
  versions: string[]
  platform: string
  inputs: TensorDescription[]
  outputs: TensorDescription[]
}

export type DescribeModel = (
  projectId: ProjectId,
  name: string,
  /** undefined: all versions are named, and the one that `champion` names, else the latest, is described. */
  choice: VersionChoice | undefined,
) => Promise<ModelMetadata>

const PLATFORM = 'trainyard_mlp'

export function makeDescribeModel({
  models,
}: {
  models: Pick<ModelStore, 'find' | 'findVersion'>
}): DescribeModel {
  return async (projectId, name, choice) => {
    const version = await findModelVersion(models, projectId, name, choice ?? null)
    const versions =
      choice === undefined
        ? (await findModel(models, projectId, name)).versions.map((one) => one.version)
        : [version.version]
    const signature = signatureOf(version)
    return {
      name,
      versions: versions.toSorted((a, b) => a - b).map(String),
      platform: PLATFORM,
      inputs: describeInputs(signature),
      outputs: describeOutputs(possibleOutputs(networksOf(version)), signature, outputsOf(version)),
    }
  }
}

export type Infer = (
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
  request: { body: Uint8Array; jsonBytes: number | null },
) => Promise<InferenceResponse>

export function makeInfer(deps: {
  loadVersion: LoadVersion
  runModel: Pick<RunModel, 'infer'>
}): Infer {
  const { loadVersion, runModel } = deps
  return async (projectId, name, choice, request) => {
    const { version, model } = await loadVersion(projectId, name, choice)
    const signature = signatureOf(version)
    return await runModel.infer({ model, name, version: version.version, signature, ...request })
  }
}

function outputsOf(version: ModelVersion): number {
  return networksOf(version)[0]?.architecture.outputs ?? 0
}
