/**
 * What the history of a job says about it, rule by rule. A rule is a pure function of the job and its epochs; it answers
 * one finding, with its evidence and a change that mends it, or null.
 */
import type { EpochMetrics, Finding, Job } from '@trainyard/contracts'
import { findNotLinearlySeparable } from './not-linearly-separable.ts'

export interface TrainingHistory {
  job: Pick<Job, 'config' | 'resolved_config'>
  /** In order; may be thinned, as long as the first of the lowest and the last are there. */
  epochs: readonly EpochMetrics[]
}

export type Rule = (history: TrainingHistory) => Finding | null

const RULES: readonly Rule[] = [findNotLinearlySeparable]

export function diagnose(history: TrainingHistory): Finding[] {
  return RULES.map((rule) => rule(history)).filter((finding) => finding !== null)
}
