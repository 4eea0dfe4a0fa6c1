/**
 * Wakes whoever watches a job: at once when the pulse says that it changed, and each second anyway, since a pulse may be
 * lost. One timer wakes all, so that watchers of one job ask for the same rows at the same moment.
 */
import type { JobId } from '@trainyard/contracts'
import type { Pulse } from '@trainyard/domain'

const LOOK_MS = 1000

export interface JobWatch {
  /** Returns what ends the watching. */
  watch(jobId: JobId, onMaybeChanged: () => void): () => void
  close(): void
}

export function createJobWatch(pulse: Pick<Pulse, 'onJobChanged'>): JobWatch {
  const watchers = new Map<JobId, Set<() => void>>()
  let timer: NodeJS.Timeout | null = null

  const wake = (jobId: JobId) => {
    for (const watcher of watchers.get(jobId) ?? []) watcher()
  }
  const stopWhenIdle = () => {
    if (watchers.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
  pulse.onJobChanged(wake)

  return {
    watch(jobId, onMaybeChanged) {
      const own = watchers.get(jobId) ?? new Set()
      watchers.set(jobId, own.add(onMaybeChanged))
      timer ??= setInterval(() => {
        for (const id of watchers.keys()) wake(id)
      }, LOOK_MS)
      return () => {
        own.delete(onMaybeChanged)
        if (own.size === 0 && watchers.get(jobId) === own) watchers.delete(jobId)
        stopWhenIdle()
      }
    },
    close() {
      watchers.clear()
      stopWhenIdle()
    },
  }
}

/** A wait that any number of wakes end, also those that came before it began. */
export function createBell(): { ring: () => void; wait: () => Promise<void> } {
  let isRung = false
  let waiting: (() => void) | null = null
  return {
    ring() {
      isRung = true
      waiting?.()
    },
    async wait() {
      if (!isRung) await new Promise<void>((resolve) => (waiting = resolve))
      isRung = false
      waiting = null
    },
  }
}
