import { Worker } from 'node:worker_threads'
import { teamWordAddress } from '../src/wasm/job-record.ts'
import type { Assignment, Team } from '../src/wasm/team.ts'

const JOIN_TIMEOUT_MS = 10_000

/** Helping threads of Node.js, which a run waits for before its first batch; `threads` says how many train a batch. */
export function openTeam(
  size: number,
  threads: () => number = () => size,
): { team: Team; workers: Worker[]; close(): Promise<void> } {
  const workers = Array.from(
    { length: size - 1 },
    () => new Worker(new URL('assist.thread.ts', import.meta.url)),
  )
  return {
    team: {
      size,
      threads,
      start(assignment) {
        for (const worker of workers) worker.postMessage(assignment)
        awaitJoined(assignment, workers.length)
      },
    },
    workers,
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

/** Blocks, as training does. */
function awaitJoined({ memory }: Assignment, helpers: number): void {
  const words = new Int32Array(memory.buffer)
  const joined = teamWordAddress('joined') / 4
  const deadlineMs = performance.now() + JOIN_TIMEOUT_MS
  while (Atomics.load(words, joined) < helpers) {
    if (performance.now() > deadlineMs) throw new Error('the helping threads do not come')
    Atomics.wait(words, joined, Atomics.load(words, joined), 1)
  }
}
