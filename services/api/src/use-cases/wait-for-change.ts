import type { StreamedId } from '../streams/event-streams.ts'
import { createBell, type JobWatch } from '../streams/job-watch.ts'

/**
 * What `read` finds; with `waitSeconds`, after its next change, at once when it has ended, and at the latest after that
 * time or when `signal` fires.
 */
export async function waitForChange<Item extends { id: StreamedId }>(
  watch: JobWatch,
  options: {
    waitSeconds: number
    signal: AbortSignal
    read: () => Promise<Item>
    hasEnded: (item: Item) => boolean
    hasChanged: (before: Item, now: Item) => boolean
  },
): Promise<Item> {
  const { waitSeconds, signal, read, hasEnded, hasChanged } = options
  const first = await read()
  if (waitSeconds === 0 || hasEnded(first)) return first
  const bell = createBell()
  const unwatch = watch.watch(first.id, bell.ring)
  const end = AbortSignal.any([signal, AbortSignal.timeout(waitSeconds * 1000)])
  end.addEventListener('abort', bell.ring)
  // What changed between the first look and the watch is seen by looking again before waiting.
  bell.ring()
  try {
    for (;;) {
      await bell.wait()
      const item = await read()
      if (end.aborted || hasChanged(first, item)) return item
    }
  } finally {
    unwatch()
  }
}
