import type { Cell, EvaluationReport } from '@trainyard/contracts'
import { DataError, type DataFault, type Table } from '@trainyard/datasets'
import { DomainError } from '@trainyard/domain'
import type { DependencePoint, InputSlope, PermutationImportance } from '@trainyard/model'
import type { StoredModel } from '../use-cases/load-model.ts'
import { createLazyThreads } from './lazy-threads.ts'

/** Requests that may be under way; more are told to come back. */
const UNDER_WAY_MAX = 8
/** Waiting included. */
const TIMEOUT_MS = 60_000

interface RowsTask {
  model: StoredModel
  table: Table
  rows: Uint32Array
}

/** What each kind of work is given and what it answers. */
export interface EvaluationWork {
  evaluate: { task: RowsTask; answer: EvaluationReport }
  importance: {
    task: RowsTask & { repeats: number; seed: bigint }
    answer: PermutationImportance | null
  }
  dependence: { task: RowsTask & { column: string }; answer: DependencePoint[] }
  inputGradient: {
    task: { model: StoredModel; record: Record<string, Cell> }
    answer: InputSlope[][]
  }
}

export type EvaluationTask = {
  [Kind in keyof EvaluationWork]: { kind: Kind } & EvaluationWork[Kind]['task']
}[keyof EvaluationWork]

/** An answer, or what is wrong with the data; errors lose their class on the way between threads. */
export type EvaluationAnswer =
  | { answer: EvaluationWork[keyof EvaluationWork]['answer'] }
  | { faults: DataFault[] }

type Ask<Kind extends keyof EvaluationWork> = (
  /** Runs when there is room: a table is large. */
  load: () => Promise<EvaluationWork[Kind]['task']>,
) => Promise<EvaluationWork[Kind]['answer']>

export type EvaluationThread = { [Kind in keyof EvaluationWork]: Ask<Kind> } & {
  close(): Promise<void>
}

/** One thread that judges and explains models. */
export function createEvaluationThread(): EvaluationThread {
  const thread = createLazyThreads<EvaluationTask, EvaluationAnswer>('./evaluate.thread.ts')
  let underWay = 0

  const ask =
    <Kind extends keyof EvaluationWork>(kind: Kind): Ask<Kind> =>
    async (load) => {
      if (underWay >= UNDER_WAY_MAX) throw new DomainError('unavailable')
      underWay += 1
      try {
        const result = await compute({ kind, ...(await load()) } as EvaluationTask)
        if ('faults' in result) throw new DataError(result.faults)
        return result.answer
      } finally {
        underWay -= 1
      }
    }

  return {
    evaluate: ask('evaluate'),
    importance: ask('importance'),
    dependence: ask('dependence'),
    inputGradient: ask('inputGradient'),
    close: thread.close,
  }

  async function compute(task: EvaluationTask): Promise<EvaluationAnswer> {
    try {
      return await thread.run(task, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error
      const detail = `It was not done within ${TIMEOUT_MS / 1000} s.`
      throw new DomainError('unavailable', { detail }, { cause: error })
    }
  }
}
