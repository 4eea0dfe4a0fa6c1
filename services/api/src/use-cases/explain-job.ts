/** What the predictions of an ended job come from: which columns matter, how, and at one record. */
import {
  EXPLAINED_ROWS_MAX,
  type JobDependence,
  type JobImportance,
  type JobInputGradient,
  type ProjectId,
  type WhichWeights,
} from '@trainyard/contracts'
import { DomainError, type JobStore } from '@trainyard/domain'
import { DEPENDENCE_POINTS_MAX, drawRows, predictionFlops } from '@trainyard/model'
import type { EvaluationThread } from '../threads/evaluation-thread.ts'
import { findJob } from './find-job.ts'
import { type FindJudgedRows, JUDGED_FLOPS_MAX, type JudgedRows } from './find-judged-rows.ts'
import type { LoadModel } from './load-model.ts'
import { placeRecordFaults } from './place-record-faults.ts'
import { budgetExceeded } from './read-budget.ts'

export type ExplainJob = ReturnType<typeof makeExplainJob>

/** Of all outputs together. */
const SLOPES_MAX = 100_000

export function makeExplainJob(deps: {
  jobs: Pick<JobStore, 'find'>
  findJudgedRows: FindJudgedRows
  loadModel: LoadModel
  thread: Pick<EvaluationThread, 'importance' | 'dependence' | 'inputGradient'>
}) {
  const { jobs, findJudgedRows, loadModel, thread } = deps
  return {
    async importance(
      projectId: ProjectId,
      id: string,
      { which, repeats }: { which: WhichWeights; repeats: number },
    ): Promise<JobImportance> {
      const judged = await findJudgedRows(projectId, id, which)
      const { model } = judged
      const { part, rows, read, described } = explainedRows(judged, which)
      const shuffles = model.preprocessing.columns.length * repeats
      assertAffordable(judged, rows.length * (1 + shuffles))
      const seed = BigInt(judged.job.resolved_config.seed)
      const found = await thread.importance(async () => ({
        ...{ model, ...(await read(rows)), repeats, seed },
      }))
      if (found === null) {
        const detail = `r² is not defined for ${rows.length} ${part} row`
        throw new DomainError('validation_error', { errors: [{ parameter: 'id', detail }] })
      }
      return { object: 'training.job_importance', ...described, repeats, ...found }
    },

    async dependence(
      projectId: ProjectId,
      id: string,
      { which, column }: { which: WhichWeights; column: string },
    ): Promise<JobDependence> {
      const judged = await findJudgedRows(projectId, id, which)
      const { model } = judged
      const features = model.preprocessing.columns.map((transform) => transform.column)
      if (!features.includes(column)) throw unknownColumn(features)
      const { rows, read, described } = explainedRows(judged, which)
      assertAffordable(judged, rows.length * DEPENDENCE_POINTS_MAX)
      const points = await thread.dependence(async () => ({
        ...{ model, ...(await read(rows)), column },
      }))
      const { classes, target } = model.architecture
      return {
        object: 'training.job_dependence',
        ...described,
        column,
        outputs: outputNames(classes, target, points[0]?.means.length ?? 0),
        points,
      }
    },

    async inputGradient(
      projectId: ProjectId,
      id: string,
      {
        which,
        record,
      }: { which: WhichWeights; record: Record<string, string | number | boolean | null> },
    ): Promise<JobInputGradient> {
      const job = await findJob(jobs, projectId, id)
      const model = await loadModel(job, which)
      const { classes, target, inputs, outputs } = model.architecture
      if (inputs * outputs > SLOPES_MAX) {
        const detail = `has ${inputs} inputs and ${outputs} outputs; an answer holds at most ${SLOPES_MAX} slopes`
        throw budgetExceeded({ parameter: 'id' }, detail)
      }
      const slopes = await thread
        .inputGradient(async () => ({ model, record }))
        .catch((error: unknown) => {
          throw placeRecordFaults(error, '#/record')
        })
      const names = outputNames(classes, target, outputs)
      return {
        object: 'training.job_input_gradient',
        job_id: job.id,
        which,
        outputs: slopes.map((inputs, i) => ({ output: names[i] ?? '', inputs })),
      }
    },
  }
}

/** The validation rows, or the training rows of a job that had none; of many so many drawn by the job's seed. */
function explainedRows({ job, training, validation }: JudgedRows, which: WhichWeights) {
  const part = validation === null ? ('training' as const) : ('validation' as const)
  const { dataset, rows: all, read } = validation ?? training
  const rows = drawRows(all, EXPLAINED_ROWS_MAX, BigInt(job.resolved_config.seed))
  const described = { job_id: job.id, dataset_id: dataset.id, which, part, rows: rows.length }
  return { part, rows, read, described }
}

function assertAffordable({ model }: JudgedRows, rows: number): void {
  const flops = predictionFlops(model.architecture, rows)
  if (flops <= JUDGED_FLOPS_MAX) return
  const detail = `would predict ${rows} rows, ${flops} operations; an explanation takes at most ${JUDGED_FLOPS_MAX}`
  throw budgetExceeded({ parameter: 'id' }, detail)
}

/** One score of two classes is of the second. */
function outputNames(classes: readonly string[] | null, target: string, outputs: number): string[] {
  if (classes === null) return [target]
  return outputs === 1 ? [classes[1] ?? ''] : [...classes]
}

function unknownColumn(features: readonly string[]): DomainError {
  const named = features.slice(0, 10).map((name) => JSON.stringify(name))
  const more = features.length > named.length ? ', …' : ''
  const detail = `is no feature of the model; it has ${named.join(', ')}${more}`
  return new DomainError('validation_error', { errors: [{ parameter: 'column', detail }] })
}
