import { EngineError } from '../errors.ts'
import { PAGE_BYTES } from './memory-map.ts'

/** The memory of one job, taken as one piece and given back as one. */
export interface Arena {
  readonly memory: WebAssembly.Memory
  /** Gives the memory back; the views on it must not be used afterwards. May be called twice. */
  release(): void
}

/** What a 32-bit address can reach. */
const BYTES_MAX = 2 ** 32

let liveBytes = 0

/** Bytes of all arenas of this thread that were not released. */
export function liveArenaBytes(): number {
  return liveBytes
}

/** Shared, so that threads can join in; never grown. Throws `memory_exceeded` if it is not to be had. */
export function openArena(bytes: number): Arena {
  if (bytes > BYTES_MAX) {
    throw new EngineError('memory_exceeded', `the job needs ${bytes} bytes, above ${BYTES_MAX}`)
  }
  const memory = allocate(bytes)
  liveBytes += bytes
  let isReleased = false
  return {
    memory,
    release() {
      if (isReleased) return
      isReleased = true
      liveBytes -= bytes
    },
  }
}

function allocate(bytes: number): WebAssembly.Memory {
  const pages = bytes / PAGE_BYTES
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    throw new EngineError('memory_exceeded', `${bytes} bytes could not be allocated`, { cause })
  }
}
