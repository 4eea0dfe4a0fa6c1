import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('./training-memory.script.ts', import.meta.url))

describe('the planned memory of a job', () => {
  it.each([
    { of: 'data', rows: 150_000, features: 200, units: 16 },
    { of: 'parameters', rows: 300, features: 100, units: 2500 },
  ])(
    'is within a tenth of what the process grows by, when it is mostly $of',
    async (job) => {
      const sizes = [job.rows, job.features, job.units].map(String)

      const runs = await Promise.all([1, 2, 3].map(() => trainApart(sizes)))

      const planned = runs[0]?.planned ?? 0
      // The collector frees copies of weights sooner or later: what a job can take is the most of several runs.
      const measured = Math.max(...runs.map((run) => run.measured))
      expect(planned).toBeGreaterThan(150 * 2 ** 20)
      expect(measured / planned).toBeGreaterThan(0.9)
      expect(measured / planned).toBeLessThan(1.1)
    },
    60_000,
  )
})

async function trainApart(sizes: string[]): Promise<{ planned: number; measured: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, ...sizes])
  return JSON.parse(stdout)
}
