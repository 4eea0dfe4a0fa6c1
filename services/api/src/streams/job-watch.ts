/**
 * Wakes whoever watches something: at once when the pulse says that a job or a sweep changed, and each second anyway, since a pulse
 * may be lost and the others have none. One timer wakes all, so that watchers of one job ask for the same rows at the same moment.
 */
import type { Pulse } from '@trainyard/domain'
import type { StreamedId } from './event-reader.ts'

const LOOK_MS = 1000

export interface JobWatch {
  /** Returns what ends the watching. */
  watch(id: StreamedId, onMaybeChanged: () => void): () => void
  close(): void
}

export function createJobWatch(pulse: Pick<Pulse, 'onJobChanged' | 'onSweepChanged'>): JobWatch {
  const watchers = new Map<StreamedId, Set<() => void>>()
  let timer: NodeJS.Timeout | null = null

  const wake = (id: StreamedId) => {
    for (const watcher of watchers.get(id) ?? []) watcher()
  }
  const stopWhenIdle = () => {
    if (watchers.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
  pulse.onJobChanged(wake)
  pulse.onSweepChanged(wake)

  return {
    watch(id, onMaybeChanged) {
      const own = watchers.get(id) ?? new Set()
      watchers.set(id, own.add(onMaybeChanged))
      timer ??= setInterval(() => {
        for (const watched of watchers.keys()) wake(watched)
      }, LOOK_MS)
      return () => {
        own.delete(onMaybeChanged)
        if (own.size === 0 && watchers.get(id) === own) watchers.delete(id)
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
