/** A limit of the kernel on the memory of processes, beyond which it kills one: a control group, of either version. */
import { appendFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOTS = [
  { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { folder: '/sys/fs/cgroup', limit: 'memory.max' },
]
const NAME = `trainyard-faults-${process.pid}`
let made = 0

export interface MemoryGroup {
  /** For the environment of a process that is to be in it from its start. */
  environment: Record<string, string>
  remove(): void
}

/** Null where this process may make none. */
export function makeMemoryGroup(limitBytes: number): MemoryGroup | null {
  for (const { folder, limit } of ROOTS) {
    if (!existsSync(join(folder, 'cgroup.procs'))) continue
    const path = join(folder, `${NAME}-${made++}`)
    try {
      mkdirSync(path)
      writeFileSync(join(path, limit), String(limitBytes))
    } catch {
      if (existsSync(path)) rmdirSync(path)
      return null
    }
    return {
      environment: { TRAINYARD_TEST_MEMORY_GROUP: path },
      remove: () => rmdirSync(path),
    }
  }
  return null
}

/** Puts this process into the group of its environment. */
export function joinMemoryGroup(environment: NodeJS.ProcessEnv): void {
  const { TRAINYARD_TEST_MEMORY_GROUP: path } = environment
  if (path !== undefined) appendFileSync(join(path, 'cgroup.procs'), String(process.pid))
}
