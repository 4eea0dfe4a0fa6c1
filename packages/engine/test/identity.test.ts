import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('./identity.script.ts', import.meta.url))

/** Trains in a process of its own, with V8 flags. */
async function trainApart(flags: string[] = [], ...words: string[]) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, SCRIPT, ...words])
  return JSON.parse(stdout) as { fused: boolean; sha256: string }
}

describe('the bits of a training', () => {
  it('are the same each time, in either compiler of V8', async () => {
    const [first, ...others] = await Promise.all(
      [[], [], [], ['--liftoff-only'], ['--no-liftoff']].map((flags) => trainApart(flags)),
    )

    expect(first?.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(others).toEqual(Array(4).fill(first))
  })

  // The flag is one of x86; arm64 always fuses.
  it.runIf(process.arch === 'x64')(
    'are those of the unfused kernels where the processor cannot fuse a multiply-add',
    async () => {
      const [without, chosen, usual] = await Promise.all([
        trainApart(['--no-enable-fma3']),
        trainApart([], 'unfused'),
        trainApart(),
      ])

      expect(without).toEqual({ fused: false, sha256: chosen.sha256 })
      // On a machine that has none all three are the same.
      expect(usual.sha256 === without.sha256).toBe(!usual.fused)
    },
  )
}, 60_000)
