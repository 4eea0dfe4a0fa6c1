import { seedWords, streamNumber } from '../src/random.ts'
import { openArena } from '../src/wasm/arena.ts'
import { jobIntegerAddress } from '../src/wasm/job-record.ts'
import { instantiateKernels, type Kernels } from '../src/wasm/kernels.ts'
import { PAGE_BYTES } from '../src/wasm/memory-map.ts'

/** Kernels on a memory of their own, with room for the packed panels and for test matrices. */
export interface KernelMemory {
  kernels: Kernels
  /** A block of float32, its address aligned as the kernels expect, surrounded by a canary. */
  take(values: ArrayLike<number>): { address: number; values: Float32Array }
  setSeed(seed: bigint, stream: string): void
  /** Whether nothing wrote outside the blocks taken. */
  isIntact(): boolean
}

const PAGES = 80
const PANEL_BYTES = 20 * PAGE_BYTES
const CANARY = 12345
const CANARY_FLOATS = 16

export function makeKernelMemory(module: WebAssembly.Module, pages = PAGES): KernelMemory {
  const { memory } = openArena(pages * PAGE_BYTES)
  const integers = new Int32Array(memory.buffer)
  const floats = new Float32Array(memory.buffer)
  integers[jobIntegerAddress('leftPanels') / 4] = PAGE_BYTES
  integers[jobIntegerAddress('rightPanels') / 4] = PAGE_BYTES + PANEL_BYTES
  integers[jobIntegerAddress('edgeTile') / 4] = PAGE_BYTES + 2 * PANEL_BYTES
  let end = 2 * PAGE_BYTES + 2 * PANEL_BYTES
  const canaries: Float32Array[] = []

  const guard = (): void => {
    const canary = floats.subarray(end / 4, end / 4 + CANARY_FLOATS)
    canary.fill(CANARY)
    canaries.push(canary)
    end += 4 * CANARY_FLOATS
  }

  return {
    kernels: instantiateKernels(module, memory, null),
    take(values) {
      guard()
      const address = end
      const block = floats.subarray(address / 4, address / 4 + values.length)
      block.set(values)
      end += 16 * Math.ceil(values.length / 4)
      guard()
      return { address, values: block }
    },
    setSeed(seed, stream) {
      const [low, high] = seedWords(seed)
      integers[jobIntegerAddress('seedLow') / 4] = low
      integers[jobIntegerAddress('seedHigh') / 4] = high
      integers[jobIntegerAddress('shuffleStream') / 4] = streamNumber(stream)
    },
    isIntact: () => canaries.every((canary) => canary.every((value) => value === CANARY)),
  }
}
