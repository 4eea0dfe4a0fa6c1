import { teamWordAddress } from './job-record.ts'
import { instantiateKernels } from './kernels.ts'

/** The next round; the low bits of its word are a number of threads. */
const ROUND = 256

/** What a thread needs to help with a job; may be posted to it. */
export interface Assignment {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
}

/** Threads that train one network together. Their number changes the time training takes and no bit of its results. */
export interface Team {
  /** Most threads that may work at once, the calling one included; memory is taken for so many. */
  size: number
  /**
   * Asked before every batch: threads to train it with. So many are present, the calling one included; one that has not
   * joined yet is not waited for.
   */
  threads(present: number): number
  /** Called once per run, before its first batch: up to size - 1 other threads may call `assist` with this, at any time. */
  start(assignment: Assignment): void
}

/**
 * Works on a job, on a thread of its own: blocks until the job has ended. Should the thread die instead, another must
 * call `disband`, as the others wait for it.
 */
export function assist(assignment: Assignment): void {
  const kernels = instantiateKernels(assignment.module, assignment.memory, null)
  try {
    kernels.assist()
  } catch (error) {
    // A job that ends within a batch traps whoever waits there.
    if (isDisbanded(assignment.memory)) return
    disband(assignment)
    throw error
  }
}

/**
 * Sends the helping threads of a job home, from any thread and at any time. If it was being trained by several,
 * `train` throws `thread_lost`.
 */
export function disband({ memory }: Pick<Assignment, 'memory'>): void {
  const words = new Int32Array(memory.buffer)
  Atomics.store(words, teamWordAddress('closed') / 4, 1)
  for (const word of ['round', 'generation'] as const) {
    const index = teamWordAddress(word) / 4
    // Changed too, for a thread that has looked at `closed` already and does not sleep yet.
    Atomics.add(words, index, ROUND)
    Atomics.notify(words, index)
  }
}

export function isDisbanded(memory: WebAssembly.Memory): boolean {
  return Atomics.load(new Int32Array(memory.buffer), teamWordAddress('closed') / 4) !== 0
}
