import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const MEGABYTE = 2 ** 20

it('keeps resident memory and heap flat over ten thousand epochs', () => {
  const script = fileURLToPath(new URL('./flat-memory.script.ts', import.meta.url))

  const output = execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' })

  const [early, late] = JSON.parse(output) as [NodeJS.MemoryUsage, NodeJS.MemoryUsage]
  // Fifty thousand batches: eight bytes each would be seen in the heap, a hundred in what is resident.
  expect(late.heapUsed - early.heapUsed).toBeLessThan(0.3 * MEGABYTE)
  expect(late.arrayBuffers).toBe(early.arrayBuffers)
  expect(late.rss - early.rss).toBeLessThan(4 * MEGABYTE)
})
