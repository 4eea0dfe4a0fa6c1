import asc from 'assemblyscript/asc'

/** Independent chains, so that the latency of one multiply-add hides behind the others. */
const CHAINS = 12
const LANES = 4
/** Microseconds a call: V8 replaces a function by its optimized form only between calls. */
const ITERATIONS = 20_000

export interface PeakLoop {
  run(): void
  /** Floating-point operations of one call. */
  flops: number
}

/** Multiply-adds on registers alone: what no kernel of 128-bit vectors can exceed on this machine. */
export async function createPeakLoop(fused: boolean): Promise<PeakLoop> {
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(await compile(fused)))
  const loop = exports.run as (iterations: number, factor: number, addend: number) => number
  return {
    // Factor and addend are arguments, because V8 builds a constant vector anew each time round.
    run: () => loop(ITERATIONS, 0.999999, 1e-7),
    flops: 2 * LANES * CHAINS * ITERATIONS,
  }
}

async function compile(fused: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const chains = [...Array(CHAINS).keys()]
  const step = (a: string) =>
    fused ? `f32x4.relaxed_madd(${a}, b, c)` : `f32x4.add(f32x4.mul(${a}, b), c)`
  const source = `export function run(iterations: i32, factor: f32, addend: f32): f32 {
    const b = f32x4.splat(factor)
    const c = f32x4.splat(addend)
    ${chains.map((i) => `let a${i} = f32x4.splat(0.${i + 1})`).join('\n')}
    for (let i = 0; i < iterations; i++) {
      ${chains.map((i) => `a${i} = ${step(`a${i}`)}`).join('\n')}
    }
    return f32x4.extract_lane(${chains.map((i) => `a${i}`).reduce((sum, a) => `f32x4.add(${sum}, ${a})`)}, 0)
  }`
  let binary: Uint8Array<ArrayBuffer> | null = null
  const features = ['--enable', 'simd', '--enable', 'relaxed-simd']
  const { error, stderr } = await asc.main(
    ['peak.ts', '--outFile', 'peak.wasm', '-O3', '--runtime', 'stub', ...features],
    {
      readFile: (name: string) => (name === 'peak.ts' ? source : null),
      writeFile: (_name: string, contents: string | Uint8Array) => {
        binary = Uint8Array.from(contents as Uint8Array)
      },
    },
  )
  if (error || binary === null) throw error ?? new Error(stderr.toString())
  return binary
}
