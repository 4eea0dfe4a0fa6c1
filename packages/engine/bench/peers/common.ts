/** Shared by the peers in JavaScript: workloads, synthetic data, timing, the line of results. */
import { readFileSync } from 'node:fs'

export interface Workload {
  samples: number
  /** Widths from the inputs to the outputs; one output stands for two classes. */
  layers: [number, ...number[]]
  act: 'tanh' | 'relu'
  batch: number
  opt: 'sgd' | 'momentum' | 'adam'
  lr: number
  data: 'xor' | 'quadrant' | 'argmax'
  batchNorm?: boolean
  dropout?: number
  l2?: number
}

export interface Options {
  /** Names of workloads, or `infer`. */
  workloads: string[]
  threads: number
  /** Timed ones, after one to warm up. */
  epochs: number
  /** Fewer than the workload has; 0 for all. Times are scaled up. */
  samples: number
  backend: string
}

export const WORKLOADS: Record<string, Workload> = JSON.parse(
  readFileSync(new URL('./workloads.json', import.meta.url), 'utf8'),
)

export function workloadOf(name: string): Workload {
  const workload = WORKLOADS[name]
  if (workload === undefined) throw new Error(`there is no workload ${name}`)
  return workload
}

export function outputsOf({ layers }: Workload): number {
  return layers.at(-1) ?? 0
}

/** Reads `W1,W2 --threads 1 --epochs 5 --samples 0 --backend wasm`. */
export function readOptions(): Options {
  const options: Options = { workloads: [], threads: 1, epochs: 5, samples: 0, backend: '' }
  const words = process.argv.slice(2)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '--backend') options.backend = words[++i] ?? ''
    else if (word === '--threads' || word === '--epochs' || word === '--samples') {
      options[word.slice(2) as 'threads' | 'epochs' | 'samples'] = Number(words[++i])
    } else options.workloads = word.split(',')
  }
  return options
}

/** Inputs in [-1, 1) and labels: the same numbers as common.py makes. */
export function makeData(workload: Workload, samples: number): { x: Float32Array; y: Int32Array } {
  const width = workload.layers[0]
  const x = new Float32Array(samples * width)
  const y = new Int32Array(samples)
  if (workload.data === 'xor') {
    for (let i = 0; i < samples; i++) {
      x[2 * i] = i & 1
      x[2 * i + 1] = (i >> 1) & 1
      y[i] = (i & 1) ^ ((i >> 1) & 1)
    }
    return { x, y }
  }
  let state = 12345
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    x[i] = (state >>> 8) / 8388608 - 1
  }
  const classes = outputsOf(workload)
  const at = (index: number) => x[index] as number
  for (let i = 0; i < samples; i++) {
    const row = i * width
    if (workload.data === 'quadrant') y[i] = at(row) * at(row + 1) > 0 ? 1 : 0
    else for (let j = 1; j < classes; j++) if (at(row + j) > at(row + (y[i] ?? 0))) y[i] = j
  }
  return { x, y }
}

/** Matrix products only: forward, weight gradient, and input gradient of all layers but the first. */
export function epochFlops({ layers }: Workload, samples: number): number {
  const products = layers.slice(1).map((width, i) => width * (layers[i] as number))
  const sum = products.reduce((a, b) => a + b)
  return 2 * samples * (3 * sum - (products[0] as number))
}

export function shuffled(n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const swapped = order[i] as number
    order[i] = order[j] as number
    order[j] = swapped
  }
  return order
}

export function timed<Result>(make: () => Result): [result: Result, tookMs: number] {
  const startedMs = performance.now()
  return [make(), performance.now() - startedMs]
}

/**
 * Runs `epoch` once to warm up and `options.epochs` times timed; it returns the epoch's loss, where the
 * library tells it, and calls `firstStepDone` after its first update.
 */
export async function trainTimed(
  peer: string,
  version: string,
  name: string,
  options: Options,
  madeDataMs: number,
  epoch: (firstStepDone: () => void) => unknown,
): Promise<void> {
  const seconds: number[] = []
  const losses: number[] = []
  let startMs: number | undefined
  for (let e = 0; e <= options.epochs; e++) {
    const startedMs = performance.now()
    losses.push(
      Number(
        await epoch(() => {
          startMs ??= performance.now() - madeDataMs
        }),
      ),
    )
    seconds.push((performance.now() - startedMs) / 1000)
  }
  report(peer, version, name, options, seconds.slice(1), startMs ?? 0, losses)
}

/** `startMs`: from the start of the process to its first update, less the time to make the data. */
export function report(
  peer: string,
  version: string,
  name: string,
  options: Options,
  epochSeconds: number[],
  startMs: number,
  losses: number[],
): void {
  const workload = workloadOf(name)
  const samples = options.samples || workload.samples
  const median = medianOf(epochSeconds)
  const lossRatio = (losses.at(-1) ?? Number.NaN) / (losses[0] ?? Number.NaN)
  print({
    peer,
    version,
    workload: name,
    threads: options.threads,
    epoch_s: digits((median * workload.samples) / samples),
    gflops: digits(epochFlops(workload, samples) / median / 1e9),
    rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    start_s: digits(startMs / 1000),
    samples,
    // Whether it learns at all; no comparison, since initial weights differ. Absent where no loss is told.
    ...(Number.isFinite(lossRatio) && { loss_ratio: digits(lossRatio) }),
  })
}

/** Times a forward pass of W5 at the two batch sizes of the `infer` workload. */
export async function reportInference(
  peer: string,
  version: string,
  threads: number,
  makePass: (batch: number) => () => unknown,
): Promise<void> {
  const single = await medianCall(makePass(1), 1000)
  const many = await medianCall(makePass(1024), 30)
  print({
    peer,
    version,
    workload: 'infer',
    threads,
    batch1_us: digits(single * 1e6),
    batch1024_samples_per_s: Math.round(1024 / many),
  })
}

export function print(line: object): void {
  console.log(JSON.stringify(line))
}

export function digits(value: number): number {
  return Number(value.toPrecision(4))
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Seconds of a call, the first tenth dropped. */
async function medianCall(call: () => unknown, repetitions: number): Promise<number> {
  const seconds: number[] = []
  for (let i = 0; i < repetitions; i++) {
    const startedMs = performance.now()
    await call()
    seconds.push((performance.now() - startedMs) / 1000)
  }
  return medianOf(seconds.slice(repetitions / 10))
}
