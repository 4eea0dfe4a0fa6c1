/** The papers of a model: its card, and what else goes into a bundle. */
import type { Job, Lineage, ModelVersion, ProjectId } from '@trainyard/contracts'
import { DomainError, type JobStore } from '@trainyard/domain'
import type { BundleDocument } from '@trainyard/formats'
import { describeSignature, type StoredNetwork } from '@trainyard/model'
import { CURVE_POINTS_MAX, renderCurves } from '../render/curves.ts'
import { type CardFacts, renderModelCard } from '../render/model-card.ts'
import { findJob } from './find-job.ts'
import { METRIC_POINTS_OF_FILE, type ReadHistory, toMetricsCsv } from './read-metrics.ts'

/** A model as far as its papers need it. */
export interface DescribedModel {
  title: string
  parameterCount: number
  sha256: string
  networks: readonly StoredNetwork[]
  /** null: made from the networks. */
  signature: ModelVersion['signature']
  lineages: readonly Lineage[]
}

export type DescribeModel = {
  /** Markdown that stands alone: the picture of the curves is inside it. */
  card: (projectId: ProjectId, model: DescribedModel) => Promise<string>
  documents: (projectId: ProjectId, model: DescribedModel) => Promise<BundleDocument[]>
}

export function makeDescribeModel({
  jobs,
  readHistory,
}: {
  jobs: Pick<JobStore, 'find'>
  readHistory: ReadHistory
}): DescribeModel {
  return {
    async card(projectId, model) {
      const job = await findOnlyJob(projectId, model)
      const svg = await drawCurves(projectId, job)
      const curves =
        svg === null ? null : `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
      return renderModelCard({ ...toFacts(model), job, curves })
    },

    async documents(projectId, model) {
      const job = await findOnlyJob(projectId, model)
      const svg = await drawCurves(projectId, job)
      const facts = toFacts(model)
      const documents: BundleDocument[] = [
        {
          name: 'model-card.md',
          text: renderModelCard({ ...facts, job, curves: svg === null ? null : 'curves.svg' }),
        },
        { name: 'signature.json', text: toJson(facts.signature) },
      ]
      if (model.lineages.length > 0) {
        const configs = model.lineages.map(({ config }) => config)
        const config = configs.length === 1 ? configs[0] : configs
        documents.push({ name: 'config.json', text: toJson(config) })
        documents.push({ name: 'lineage.json', text: toJson(model.lineages) })
      }
      if (svg !== null) documents.push({ name: 'curves.svg', text: svg })
      if (job !== null) {
        const history = await readHistory(projectId, job.id, METRIC_POINTS_OF_FILE)
        documents.push({ name: 'metrics.csv', text: toMetricsCsv(history) })
      }
      return documents
    },
  }

  /** The job of the only network; an ensemble has several, and a job may be deleted. */
  async function findOnlyJob(
    projectId: ProjectId,
    { lineages, networks }: DescribedModel,
  ): Promise<Job | null> {
    const [lineage] = lineages
    if (lineage === undefined || networks.length > 1) return null
    try {
      return await findJob(jobs, projectId, lineage.job_id)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'job_not_found') return null
      throw error
    }
  }

  async function drawCurves(projectId: ProjectId, job: Job | null): Promise<string | null> {
    if (job === null) return null
    const history = await readHistory(projectId, job.id, CURVE_POINTS_MAX)
    return history.rows.length === 0 ? null : renderCurves(history, 'light')
  }
}

function toFacts(model: DescribedModel): Omit<CardFacts, 'job' | 'curves'> {
  const { networks, signature, ...rest } = model
  return {
    ...rest,
    architectures: networks.map(({ architecture }) => architecture),
    signature:
      signature ?? describeSignature(networks.map((network) => ({ ...network, columns: null }))),
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
