import type {
  ExportQuery,
  Job,
  Lineage,
  ModelVersion,
  ProjectId,
  WhichWeights,
} from '@trainyard/contracts'
import type { DatasetStore, JobStore, ModelStore, VersionChoice } from '@trainyard/domain'
import { toLineage } from './create-model.ts'
import type { DescribedModel, DescribeModel } from './describe-model.ts'
import type { ExportedFile, ExportModel } from './export-model.ts'
import { findJob } from './find-job.ts'
import { findModelVersion } from './find-model.ts'
import { type ReadWeightBytes, weightsNotFound } from './load-model.ts'
import { networksOf } from './load-version.ts'
import type { LoadCheckpoint } from './read-checkpoints.ts'

export type ReadJobWeights = (
  projectId: ProjectId,
  id: string,
  query: ExportQuery & { which?: WhichWeights | undefined; checkpoint?: string | undefined },
) => Promise<ExportedFile>

export type ReadVersionWeights = (
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
  query: ExportQuery,
) => Promise<ExportedFile>

export function makeReadJobWeights(deps: {
  jobs: Pick<JobStore, 'find' | 'weights'>
  datasets: Pick<DatasetStore, 'find'>
  readWeightBytes: ReadWeightBytes
  loadCheckpoint: LoadCheckpoint
  exportModel: ExportModel
  describeModel: DescribeModel
}): ReadJobWeights {
  const { jobs, datasets, readWeightBytes, loadCheckpoint, exportModel, describeModel } = deps
  return async (projectId, id, { checkpoint, which: asked, ...query }) => {
    const job = await findJob(jobs, projectId, id)
    const which = asked ?? (checkpoint === undefined ? 'best' : 'last')
    const found =
      checkpoint === undefined
        ? await ofJob(job, which)
        : await ofCheckpoint(job, checkpoint, which)
    const { weights, readBytes } = found
    const { architecture, preprocessing, epoch, sha256 } = weights
    // The file names its data set's content, as long as there is one.
    const datasetSha256 = await findDatasetSha256(projectId, job)
    const source = {
      key: `${job.id}/${which}/${sha256}/${datasetSha256}/${job.manifest?.config_sha256}`,
      name: [job.id, checkpoint, which].filter((part) => part !== undefined).join('-'),
      networks: [{ architecture, preprocessing }],
      facts: {
        job_id: job.id,
        epoch: String(epoch),
        engine_version: job.engine_version,
        ...(datasetSha256 === null ? {} : { dataset_sha256: datasetSha256 }),
        ...(job.manifest === null ? {} : { config_sha256: job.manifest.config_sha256 }),
      },
      readBytes,
      readDocuments: () =>
        describeModel.documents(projectId, {
          title: `${job.name ?? job.id}, ${which} weights${checkpoint === undefined ? '' : ` of ${checkpoint}`}`,
          parameterCount: job.parameter_count,
          sha256,
          networks: [{ architecture, preprocessing }],
          signature: null,
          lineages: [toLineage(job, datasetSha256)],
        }),
    }
    return await exportModel(source, query)
  }

  async function ofJob(job: Job, which: WhichWeights) {
    const weights = await jobs.weights(job.id, which)
    if (weights === null) throw weightsNotFound(job)
    return { weights, readBytes: () => readWeightBytes(weights) }
  }

  async function ofCheckpoint(job: Job, id: string, which: WhichWeights) {
    const weights = await loadCheckpoint(job, id, which)
    return { weights, readBytes: async () => weights.content }
  }

  async function findDatasetSha256(projectId: ProjectId, job: Job): Promise<string | null> {
    if (job.manifest !== null) return job.manifest.dataset_sha256
    return (await datasets.find(projectId, job.dataset_id))?.sha256 ?? null
  }
}

export function makeReadVersionWeights(deps: {
  models: Pick<ModelStore, 'findVersion'>
  readWeightBytes: ReadWeightBytes
  exportModel: ExportModel
  describeModel: DescribeModel
}): ReadVersionWeights {
  const { models, readWeightBytes, exportModel, describeModel } = deps
  return async (projectId, name, choice, query) => {
    const version = await findModelVersion(models, projectId, name, choice)
    const source = {
      // A purged name begins again: the number alone could mean another version by then.
      key: `${projectId}/${name}/${version.version}/${version.created_at}/${version.sha256}`,
      name: `${name}-${version.version}`,
      networks: networksOf(version),
      facts: {
        model: name,
        version: String(version.version),
        ...(version.lineage === null ? {} : factsOf(version.lineage)),
      },
      readBytes: () => readWeightBytes(version),
      readDocuments: () => describeModel.documents(projectId, toDescribed(version)),
    }
    return await exportModel(source, query)
  }
}

export type ReadModelCard = (
  projectId: ProjectId,
  name: string,
  choice: VersionChoice,
) => Promise<string>

export function makeReadModelCard(deps: {
  models: Pick<ModelStore, 'findVersion'>
  describeModel: DescribeModel
}): ReadModelCard {
  return async (projectId, name, choice) => {
    const version = await findModelVersion(deps.models, projectId, name, choice)
    return await deps.describeModel.card(projectId, toDescribed(version))
  }
}

function toDescribed(version: ModelVersion): DescribedModel {
  const { model, parameter_count, sha256, signature, lineage, members } = version
  const lineages = (members ?? [{ lineage }]).flatMap((member) => member.lineage ?? [])
  return {
    title: `${model}, version ${version.version}`,
    parameterCount: parameter_count,
    sha256,
    networks: networksOf(version),
    signature,
    lineages,
  }
}

function factsOf({ job_id, engine_version, dataset_sha256, manifest }: Lineage) {
  return {
    job_id,
    engine_version,
    ...(dataset_sha256 === null ? {} : { dataset_sha256 }),
    ...(manifest === null ? {} : { config_sha256: manifest.config_sha256 }),
  }
}
