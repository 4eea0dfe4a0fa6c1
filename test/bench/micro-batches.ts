/**
 * Whether concurrent predictions of one record each are better run as one of many records: the part of a request that a micro-batch
 * could save, without HTTP. Callers ask again as soon as they are answered; a batch takes whoever has asked by the end of the
 * turn of the event loop. Processor time is told beside the clock, since it does not depend on who else is at work.
 * Usage: npm run bench:micro-batches
 */
import { cpus } from 'node:os'
import type { Architecture, PredictionItem } from '@trainyard/contracts'
import { createRandom } from '@trainyard/engine/random'
import { packLayers } from '@trainyard/model'
import { createPredictionThread } from '../../services/api/src/threads/prediction-thread.ts'
import {
  createPredictorCache,
  type LoadedModel,
} from '../../services/api/src/threads/predictor-cache.ts'

const SECONDS = 0.7
const TURNS = 5
const NETWORKS = [
  [4, 16, 16, 3],
  [784, 512, 256, 10],
]
const CALLERS = [1, 8, 32]

type PredictRows = (model: LoadedModel, rows: number[][]) => Promise<PredictionItem[]>
type PredictOne = (model: LoadedModel, row: number[]) => Promise<unknown>

const thread = createPredictionThread()
const toPredictor = createPredictorCache(Number.POSITIVE_INFINITY)
const onLoop: PredictRows = async (model, rows) => (await toPredictor(model)).predict({ rows })
const onThread: PredictRows = (model, rows) =>
  thread.predict({ model, input: { rows }, outputs: undefined })
const ways: Record<string, PredictOne> = {
  'loop, one by one': (model, row) => onLoop(model, [row]),
  'loop, as batches': makeBatched(onLoop),
  'thread, one by one': (model, row) => onThread(model, [row]),
  'thread, as batches': makeBatched(onThread),
}

console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log(`| network | callers | ${Object.keys(ways).join(' | ')} |`)
console.log(`|---|---${'|---'.repeat(4)}|`)
for (const widths of NETWORKS) {
  const model = makeModel(widths)
  const row = Array.from({ length: widths[0] ?? 0 }, (_, i) => (i % 255) / 255)
  for (const callers of CALLERS) {
    const best = Object.values(ways).map((ask) => ({ ask, perSecond: 0, cpuUs: Infinity }))
    for (let turn = 0; turn < TURNS; turn++) {
      for (const kept of best) {
        const measured = await measure(() => kept.ask(model, row), callers)
        kept.perSecond = Math.max(kept.perSecond, measured.perSecond)
        kept.cpuUs = Math.min(kept.cpuUs, measured.cpuUs)
      }
    }
    const cells = best.map((one) => `${one.perSecond.toFixed(0)}/s, ${one.cpuUs.toFixed(1)} µs`)
    console.log(`| ${widths.join('-')} | ${callers} | ${cells.join(' | ')} |`)
  }
}
await thread.close()

/** Whoever has asked by the end of the turn is answered together. */
function makeBatched(predict: PredictRows): PredictOne {
  let waiting: { row: number[]; resolve: (item: unknown) => void }[] = []
  return (model, row) =>
    new Promise((resolve) => {
      waiting.push({ row, resolve })
      if (waiting.length > 1) return
      setImmediate(async () => {
        const batch = waiting
        waiting = []
        const items = await predict(
          model,
          batch.map((one) => one.row),
        )
        for (const [i, one] of batch.entries()) one.resolve(items[i])
      })
    })
}

async function measure(ask: () => Promise<unknown>, callers: number) {
  let answered = 0
  const startedMs = performance.now()
  const before = process.cpuUsage()
  const run = async () => {
    while (performance.now() - startedMs < SECONDS * 1000) {
      await ask()
      answered++
      // As a request would come: not before the event loop turns.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: callers }, run))
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - startedMs) / 1000
  return { perSecond: answered / seconds, cpuUs: (user + system) / answered }
}

function makeModel(widths: readonly number[]): LoadedModel {
  const random = createRandom(1n, 'bench')
  let index = 0
  const draw = (count: number, inputs: number) =>
    Float32Array.from({ length: count }, () => random.normal(index++) / Math.sqrt(inputs))
  const layers = widths.slice(1).map((units, i) => {
    const inputs = widths[i] ?? 1
    return { weight: draw(units * inputs, inputs), bias: draw(units, inputs) }
  })
  const architecture: Architecture = {
    inputs: widths[0] ?? 0,
    hidden: widths.slice(1, -1).map((units) => ({ units, activation: 'relu', batch_norm: false })),
    outputs: widths.at(-1) ?? 0,
    ...{ output_activation: 'softmax', task: 'classification', target: 'y' },
    classes: Array.from({ length: widths.at(-1) ?? 0 }, (_, k) => `class ${k}`),
  }
  const packed = packLayers(layers)
  const bytes = new Uint8Array(new SharedArrayBuffer(packed.byteLength))
  bytes.set(packed)
  return { key: widths.join('-'), networks: [{ architecture, preprocessing: null }], bytes }
}
