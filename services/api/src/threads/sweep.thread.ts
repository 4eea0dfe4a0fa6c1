import { type ImportanceReport, measureImportance } from '@trainyard/sweeps'
import type { ImportanceTask } from './sweep-thread.ts'

export default function measure({ space, trials }: ImportanceTask): ImportanceReport {
  return measureImportance(space, trials)
}
