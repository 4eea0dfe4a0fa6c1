import type { SweepId } from '@trainyard/contracts'
import type {
  OpenTrial,
  RunningSweep,
  ScoredTrialRow,
  SettledTrial,
  SweepRunStore,
} from '@trainyard/domain'

/** What ended so far, in the order of finishing. */
export interface FinishedTrials {
  /** Places given in the order of finishing. */
  count: number
  rows: ScoredTrialRow[]
}

/** Remembers what ended, so that it is read once: good as long as nobody else has recorded anything. */
export function makeFinishedTrials({ sweeps }: { sweeps: Pick<SweepRunStore, 'scored'> }) {
  const finished = new Map<SweepId, FinishedTrials>()
  return {
    async read({ id, finishedTrials }: RunningSweep): Promise<FinishedTrials> {
      const known = finished.get(id)
      if (known !== undefined && known.count >= finishedTrials) return known
      const read = { count: finishedTrials, rows: await sweeps.scored(id) }
      finished.set(id, read)
      return read
    },
    add({ id }: RunningSweep, before: FinishedTrials, settled: readonly ScoredTrialRow[]): void {
      finished.set(id, {
        count: before.count + settled.length,
        rows: [...before.rows, ...settled],
      })
    },
    forget(active: readonly RunningSweep[]): void {
      for (const id of finished.keys())
        if (!active.some((one) => one.id === id)) finished.delete(id)
    },
  }
}

/** A trial that is tried again had ended before, and is not to be counted twice. */
export function leaveOut(open: readonly OpenTrial[], { count, rows }: FinishedTrials) {
  const indexes = new Set(open.map(({ trialIndex }) => trialIndex))
  return { count, rows: rows.filter(({ trialIndex }) => !indexes.has(trialIndex)) }
}

/** What settled just now, as it will be read. */
export function toRows(
  settled: readonly SettledTrial[],
  open: readonly OpenTrial[],
): ScoredTrialRow[] {
  const params = new Map(open.map((trial) => [trial.trialIndex, trial.params]))
  return settled.map(({ trialIndex, status, objective }) => ({
    trialIndex,
    status,
    params: params.get(trialIndex) ?? {},
    objective: objective?.mean ?? null,
    finishedOrder: null,
  }))
}
