import type { Job, ProjectId, WhichWeights } from '@trainyard/contracts'
import type { DatasetStore, JobStore } from '@trainyard/domain'
import { toTensors, writeSafetensors, writeWeightsJson } from '@trainyard/formats'
import { unpackLayers } from '@trainyard/model'
import { findJob } from './find-job.ts'
import { type LoadModel, type StoredModel, weightsNotFound } from './load-model.ts'

export type WeightsFormat = 'json' | 'safetensors'

export interface WeightsFile {
  fileName: string
  /** Strong: the same text means the same bytes. */
  etag: string
  mediaType: string
  /** Reads the weights and begins to write the file. */
  open: () => Promise<{ byteLength: number | null; chunks: Iterable<Uint8Array | string> }>
}

export type ReadWeights = (
  projectId: ProjectId,
  id: string,
  options: { format: WeightsFormat; which: WhichWeights },
) => Promise<WeightsFile>

export function makeReadWeights(deps: {
  jobs: Pick<JobStore, 'find'>
  datasets: Pick<DatasetStore, 'find'>
  loadModel: LoadModel
}): ReadWeights {
  const { jobs, datasets, loadModel } = deps
  return async (projectId, id, { format, which }) => {
    const job = await findJob(jobs, projectId, id)
    const info = job.weights?.[which]
    if (info === undefined) throw weightsNotFound(job)
    const fileName = `${job.id}-${which}.${format}`
    if (format === 'json') {
      return {
        fileName,
        etag: `"${info.sha256}-json"`,
        mediaType: 'application/json; charset=utf-8',
        open: async () => ({ byteLength: null, chunks: toJson(await loadModel(job, which)) }),
      }
    }
    // The file names its data set's content, as long as there is one.
    const dataset = await datasets.find(projectId, job.dataset_id)
    return {
      fileName,
      etag: `"${info.sha256}-safetensors-${dataset?.sha256.slice(0, 16) ?? 'none'}"`,
      mediaType: 'application/octet-stream',
      open: async () => toSafetensors(job, await loadModel(job, which), dataset?.sha256),
    }
  }
}

function toJson({ architecture, preprocessing, bytes }: StoredModel): Iterable<string> {
  return writeWeightsJson({
    architecture,
    preprocessing,
    layers: unpackLayers(architecture, bytes),
  })
}

function toSafetensors(job: Job, model: StoredModel, datasetSha256: string | undefined) {
  const { architecture, preprocessing, bytes, epoch } = model
  return writeSafetensors({
    tensors: toTensors(unpackLayers(architecture, bytes)),
    metadata: {
      format: 'trainyard/1',
      architecture: JSON.stringify(architecture),
      preprocessing: JSON.stringify(preprocessing),
      job_id: job.id,
      epoch: String(epoch),
      engine_version: job.engine_version,
      ...(datasetSha256 === undefined ? {} : { dataset_sha256: datasetSha256 }),
    },
  })
}
