/**
 * GFLOP/s of the matrix products alone, one thread: `node packages/engine/bench/kernels.ts`. Shapes
 * are those of the epoch benchmark. Elementwise passes are given in nanoseconds per value.
 */
import { createRandom } from '../src/random.ts'
import { ACTIVATION_CODES } from '../src/wasm/job-record.ts'
import { compileKernels } from '../src/wasm/load.ts'
import { makeKernelMemory } from '../test/kernel-memory.ts'

const SHAPES: [m: number, k: number, n: number][] = [
  [128, 784, 512],
  [128, 512, 256],
  [32, 64, 128],
  [32, 128, 64],
  [10, 8, 8],
  [1, 784, 512],
]
const MEASURE_MS = 300

const { module } = await compileKernels()
const memory = makeKernelMemory(module, 320)
const random = createRandom(1n, 'bench')
const draw = (length: number) =>
  memory.take(Float32Array.from({ length }, (_, i) => random.uniform(i) - 0.5)).address
const { kernels } = memory
const a = draw(1024 * 1024)
const b = draw(1024 * 1024)
const c = draw(1024 * 1024)

console.log('m, k, n'.padEnd(16), 'packed AB  AᵀB  ABᵀ   direct AB  AᵀB   GFLOP/s')
for (const [m, k, n] of SHAPES) {
  const runs = [
    () => kernels.multiplyPacked(0, 0, m, n, k, a, 4 * k, b, 4 * n, c, 4 * n, 1),
    () => kernels.multiplyPacked(1, 0, m, n, k, a, 4 * m, b, 4 * n, c, 4 * n, 0),
    () => kernels.multiplyPacked(0, 1, m, n, k, a, 4 * k, b, 4 * k, c, 4 * n, 0),
    () => kernels.multiplyDirect(m, n, k, a, 4 * k, b, 4 * n, c, 4 * n, 1),
    () => kernels.multiplyDirectTransposed(m, n, k, a, 4 * m, b, 4 * n, c, 4 * n),
  ]
  const rates = runs.map((run) => ((2 * m * k * n) / secondsPerCall(run) / 1e9).toFixed(1))
  console.log([m, k, n].join().padEnd(16), rates.join('   '))
}

for (const [name, code] of Object.entries(ACTIVATION_CODES)) {
  const seconds = secondsPerCall(() => kernels.applyActivation(code, a, c, 4096))
  console.log(name.padEnd(16), `${((seconds * 1e9) / 4096).toFixed(2)} ns`)
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
