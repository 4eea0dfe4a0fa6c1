import type { TestQueue } from '../support/queues.ts'
import type { AuditOptions } from './rig/audit.ts'
import type { Findings } from './rig/findings.ts'
import type { KindName } from './rig/job-kinds.ts'
import type { Rig } from './rig/rig.ts'
import type { SmallDisk } from './rig/small-disk.ts'

export interface Fault {
  /** As in the catalogue, `F25`. */
  id: string
  title: string
  /** Default: both. */
  queues?: readonly TestQueue[]
  /** Their undisturbed runs are there before the fault begins. */
  kinds: readonly KindName[]
  /** A Trainyard of its own, with these settings, that nothing else is done to. */
  environment?: Record<string, string>
  /** A small file system for its Postgres. */
  disk?: SmallDisk
  /** What it measures is the speed of the machine, or fills it: nothing else may run beside it. */
  needsMachine?: boolean
  /** Why it cannot be done here; null when it can. */
  unable?: () => string | null
  audit?: AuditOptions
  /** Does it, and holds what it sees against its bounds. Jobs may be under way when it returns. */
  run(rig: Rig, findings: Findings): Promise<void>
}
