/**
 * Which trials train on. A trial that reaches an epoch of its rule says its value and is told whether to go on; the answer
 * follows from the values that were said before it, in the order in which they were said. That order is recorded, so every
 * decision can be made again. A trial that goes on continues where it is: nothing is ever restarted.
 */
import type { Sweep } from '@trainyard/contracts'
import type { EarlyTermination } from './resolve-sweep.ts'
import { fromLoss } from './trial-specs.ts'

/** What a trial said at an epoch of its rule; lower values are better. */
export interface RungRecord {
  trialIndex: number
  epoch: number
  value: number
}

export interface StopDecision {
  stops: boolean
  /** From 0 within the trial's bracket. */
  rung: number
  /** The worst value that goes on, as the goal has it; null where too few have come this far, or it is no number. */
  cutoff: number | null
  /** From 1, among those that have come this far. */
  rank: number
  reached: number
  reason: string
}

/** Epochs at which a trial of the index asks, ascending. */
export function rungsOf(rule: EarlyTermination, trialIndex: number, epochs: number): number[] {
  if (rule.type === 'median') {
    const rungs: number[] = []
    const first = Math.max(1, rule.warmup_epochs + 1)
    for (let epoch = first; epoch < epochs; epoch += rule.interval_epochs) rungs.push(epoch)
    return rungs
  }
  const bracket = rule.type === 'hyperband' ? bracketOf(rule, trialIndex) : 0
  const rungs: number[] = []
  let epoch = rule.min_epochs * rule.reduction ** bracket
  for (; epoch < Math.min(rule.max_epochs, epochs); epoch *= rule.reduction) rungs.push(epoch)
  return rungs
}

/** Brackets of hyperband: how many first rungs a bracket leaves out. */
function bracketsOf(rule: EarlyTermination): number {
  if (rule.type !== 'hyperband') return 1
  let brackets = 1
  for (
    let epoch = rule.min_epochs;
    epoch * rule.reduction <= rule.max_epochs;
    epoch *= rule.reduction
  )
    brackets += 1
  return brackets
}

/**
 * By the index alone, so that it does not depend on who came first. Brackets with more rungs get more trials, in the
 * proportions of Li et al., "Hyperband" (JMLR 2018): η^s / (s + 1) for a bracket with s rungs to pass.
 */
export function bracketOf(rule: EarlyTermination, trialIndex: number): number {
  if (rule.type !== 'hyperband') return 0
  const brackets = bracketsOf(rule)
  const weights = Array.from({ length: brackets }, (_, skipped) => {
    const rungs = brackets - 1 - skipped
    return Math.max(1, Math.round((brackets * rule.reduction ** rungs) / (rungs + 1)))
  })
  let place = trialIndex % weights.reduce((a, b) => a + b, 0)
  for (let bracket = 0; bracket < brackets; bracket++) {
    place -= weights[bracket] as number
    if (place < 0) return bracket
  }
  return brackets - 1
}

/**
 * `said` are the records before this one, in order, of the same sweep. A value that is no number is worse than any. What the
 * decision says is the objective as the goal has it, not the loss.
 */
export function decideStop(
  rule: EarlyTermination,
  said: readonly RungRecord[],
  record: RungRecord,
  objective: Pick<Sweep['objective'], 'goal'>,
): StopDecision {
  const value = Number.isFinite(record.value) ? record.value : Number.POSITIVE_INFINITY
  const toObjective = (loss: number) => (Number.isFinite(loss) ? fromLoss(objective, loss) : null)
  return rule.type === 'median'
    ? decideByMedian(rule, said, { ...record, value }, toObjective)
    : decideByRung(rule, said, { ...record, value }, toObjective)
}

/** null for what is no number. */
type ToObjective = (loss: number) => number | null

function decideByRung(
  rule: Extract<EarlyTermination, { reduction: number }>,
  said: readonly RungRecord[],
  record: RungRecord,
  toObjective: ToObjective,
): StopDecision {
  const bracket = bracketOf(rule, record.trialIndex)
  const values = said
    .filter((one) => one.epoch === record.epoch && bracketOf(rule, one.trialIndex) === bracket)
    .map((one) => one.value)
  const { rank, reached } = rankOf(values, record.value)
  // As Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020); of fewer than η the best goes on.
  const kept = Math.max(1, Math.floor(reached / rule.reduction))
  const ordered = [...values, record.value].toSorted((a, b) => a - b)
  const cutoff = toObjective(ordered[kept - 1] as number)
  const first = rule.min_epochs * rule.reduction ** bracket
  const rung = Math.round(Math.log(record.epoch / first) / Math.log(rule.reduction))
  const stops = rank > kept
  const reason = stops
    ? `rank ${rank} of ${reached} at epoch ${record.epoch}, the best ${kept} (1/${rule.reduction}) train on`
    : `rank ${rank} of ${reached} at epoch ${record.epoch}: trains on`
  return { stops, rung, cutoff, rank, reached, reason }
}

function decideByMedian(
  rule: Extract<EarlyTermination, { type: 'median' }>,
  said: readonly RungRecord[],
  record: RungRecord,
  toObjective: ToObjective,
): StopDecision {
  // A trial is judged by the best it has said so far; the others by theirs up to the same epoch.
  const best = new Map<number, number>()
  const here = new Set<number>()
  for (const one of said) {
    if (one.epoch > record.epoch) continue
    best.set(
      one.trialIndex,
      Math.min(best.get(one.trialIndex) ?? Number.POSITIVE_INFINITY, one.value),
    )
    if (one.epoch === record.epoch) here.add(one.trialIndex)
  }
  const own = Math.min(best.get(record.trialIndex) ?? Number.POSITIVE_INFINITY, record.value)
  const others = [...here]
    .filter((index) => index !== record.trialIndex)
    .map((index) => best.get(index) as number)
  const { rank, reached } = rankOf(others, own)
  const rung = Math.floor((record.epoch - rule.warmup_epochs - 1) / rule.interval_epochs)
  if (others.length < Math.max(rule.min_trials, rule.startup_trials)) {
    const reason = `${others.length} other trials have come to epoch ${record.epoch}, too few to judge`
    return { stops: false, rung, cutoff: null, rank, reached, reason }
  }
  const median = medianOf(others)
  const cutoff = toObjective(median)
  const stops = own > median
  const reason = `its best ${toObjective(own) ?? '(no number)'} at epoch ${record.epoch} is ${stops ? 'worse' : 'not worse'} than the median ${cutoff ?? '(no number)'} of ${others.length} others`
  return { stops, rung, cutoff, rank, reached, reason }
}

/** How many of so many trials are expected to come to each rung; null for the median rule, which depends on the values. */
export function expectPruning(
  rule: EarlyTermination,
  trials: number,
  epochs: number,
): { rungs: { epochs: number; trials_reaching: number }[]; epochs: number } | null {
  if (rule.type === 'median') return null
  const reaching = new Map<number, number>()
  let total = 0
  const brackets = bracketsOf(rule)
  const counts = Array.from({ length: brackets }, () => 0)
  for (let i = 0; i < trials; i++) {
    const bracket = bracketOf(rule, i)
    counts[bracket] = (counts[bracket] as number) + 1
  }
  counts.forEach((count, bracket) => {
    let left = count
    let before = 0
    const first = rule.min_epochs * rule.reduction ** bracket
    for (let epoch = first; epoch < Math.min(rule.max_epochs, epochs); epoch *= rule.reduction) {
      reaching.set(epoch, (reaching.get(epoch) ?? 0) + left)
      total += left * (epoch - before)
      before = epoch
      left /= rule.reduction
    }
    total += left * (epochs - before)
  })
  const rungs = [...reaching]
    .sort(([a], [b]) => a - b)
    .map(([at, count]) => ({ epochs: at, trials_reaching: count }))
  return { rungs, epochs: total }
}

function rankOf(others: readonly number[], value: number): { rank: number; reached: number } {
  return { rank: 1 + others.filter((other) => other <= value).length, reached: others.length + 1 }
}

function medianOf(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b)
  const middle = Math.floor(ordered.length / 2)
  const upper = ordered[middle] as number
  return ordered.length % 2 === 1 ? upper : (upper + (ordered[middle - 1] as number)) / 2
}
