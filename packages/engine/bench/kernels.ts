/**
 * The matrix products alone in GFLOP/s, and in per cent of what this machine's registers give to 128-bit
 * vectors, one thread: `npm run bench:kernels`. Shapes are those of the epoch benchmark. Elementwise
 * passes are given in nanoseconds per value.
 */
import { cpus } from 'node:os'
import { createRandom } from '../src/random.ts'
import { ACTIVATION_CODES } from '../src/wasm/job-record.ts'
import { compileKernels } from '../src/wasm/load.ts'
import { makeKernelMemory } from '../test/kernel-memory.ts'
import { createPeakLoop } from './peak-loop.ts'

const SHAPES: [m: number, k: number, n: number][] = [
  [128, 784, 512],
  [128, 512, 256],
  [32, 64, 128],
  [32, 128, 64],
  [10, 8, 8],
  [1, 784, 512],
]
const MEASURE_MS = 300
/** V8 optimizes in the background and on a busy machine takes its time. */
const WARM_UP_MS = 1000

const { module, fused } = await compileKernels()
const memory = makeKernelMemory(module, 320)
const random = createRandom(1n, 'bench')
const draw = (length: number) =>
  memory.take(Float32Array.from({ length }, (_, i) => random.uniform(i) - 0.5)).address
const { kernels } = memory
const a = draw(1024 * 1024)
const b = draw(1024 * 1024)
const c = draw(1024 * 1024)

const loop = await createPeakLoop(fused)
const warmAtMs = performance.now() + WARM_UP_MS
while (performance.now() < warmAtMs) loop.run()
const products = SHAPES.map(([m, k, n]) => {
  const runs = [
    () => kernels.multiplyPacked(0, 0, m, n, k, a, 4 * k, b, 4 * n, c, 4 * n, 1),
    () => kernels.multiplyPacked(1, 0, m, n, k, a, 4 * m, b, 4 * n, c, 4 * n, 0),
    () => kernels.multiplyPacked(0, 1, m, n, k, a, 4 * k, b, 4 * k, c, 4 * n, 0),
    () => kernels.multiplyDirect(m, n, k, a, 4 * k, b, 4 * n, c, 4 * n, 1),
    () => kernels.multiplyDirectTransposed(m, n, k, a, 4 * m, b, 4 * n, c, 4 * n),
  ]
  return {
    name: `${m} × ${k} × ${n}`,
    rates: runs.map((run) => (2 * m * k * n) / secondsPerCall(run) / 1e9),
  }
})
// Last, when V8 has surely optimized the loop.
const peak = loop.flops / secondsPerCall(loop.run) / 1e9

const processor = `${cpus()[0]?.model}, Node ${process.version}`
console.log(`${processor}, ${fused ? 'fused' : 'unfused'}, peak ${peak.toFixed(1)} GFLOP/s\n`)
printRow(['m × k × n', 'packed AB', 'AᵀB', 'ABᵀ', 'direct AB', 'AᵀB'])
printRow(Array(6).fill('---'))
for (const { name, rates } of products) {
  const cells = rates.map((rate) => `${rate.toFixed(1)} (${((100 * rate) / peak).toFixed(0)} %)`)
  printRow([name, ...cells])
}

console.log('')
printRow(['activation', 'ns per value'])
printRow(['---', '---'])
for (const [name, code] of Object.entries(ACTIVATION_CODES)) {
  const seconds = secondsPerCall(() => kernels.applyActivation(code, a, c, 4096))
  printRow([name, ((seconds * 1e9) / 4096).toFixed(2)])
}

function printRow(cells: string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

/** Best of three windows, after one to warm up. */
function secondsPerCall(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let window = 0; window < 4; window++) {
    const startedMs = performance.now()
    let calls = 0
    let elapsedMs = 0
    while (elapsedMs < MEASURE_MS / 4) {
      for (let i = 0; i < 8; i++) run()
      calls += 8
      elapsedMs = performance.now() - startedMs
    }
    if (window > 0) best = Math.min(best, elapsedMs / calls / 1000)
  }
  return best
}
