import type { JobEvaluation, ProjectId, WhichWeights } from '@trainyard/contracts'
import { predictionFlops } from '@trainyard/model'
import type { EvaluationThread } from '../threads/evaluation-thread.ts'
import { type FindJudgedRows, JUDGED_FLOPS_MAX, type JudgedPart } from './find-judged-rows.ts'
import { budgetExceeded } from './read-budget.ts'

export type EvaluateJob = (
  projectId: ProjectId,
  id: string,
  which: WhichWeights,
) => Promise<JobEvaluation>

/** Each class ranks all rows. */
const SCORES_MAX = 20_000_000

/** Judges the stored weights of an ended job on rows that did not train them. */
export function makeEvaluateJob(deps: {
  findJudgedRows: FindJudgedRows
  thread: Pick<EvaluationThread, 'evaluate'>
}): EvaluateJob {
  const { findJudgedRows, thread } = deps
  return async (projectId, id, which) => {
    const { job, model, validation, test } = await findJudgedRows(projectId, id, which)
    const evaluatePart = async ({ rows, read }: JudgedPart) => {
      const { architecture } = model
      const flops = predictionFlops(architecture, rows.length)
      if (flops > JUDGED_FLOPS_MAX || rows.length * architecture.outputs > SCORES_MAX) {
        const detail = `has ${rows.length} rows and ${architecture.outputs} outputs to judge, of ${flops} operations; an evaluation takes at most ${SCORES_MAX} outputs and ${JUDGED_FLOPS_MAX} operations`
        throw budgetExceeded({ parameter: 'id' }, detail)
      }
      return await thread.evaluate(async () => ({ model, ...(await read(rows)) }))
    }
    return {
      object: 'training.job_evaluation',
      job_id: job.id,
      dataset_id: job.dataset_id,
      which,
      epoch: model.epoch,
      validation: validation && (await evaluatePart(validation)),
      test: test && (await evaluatePart(test)),
    }
  }
}
