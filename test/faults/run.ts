/**
 * Runs faults of the catalogue and says what came of them.
 * Usage: npm run fault -- F25 [F30 …] [--seed 7] [--queue redis|postgres]; `all` for all of them; `all` and --write
 * put each one's figures into docs/fault-figures.md as soon as it has ended; `npm run fault -- list` names them.
 */
import { parseArgs } from 'node:util'
import { queuesToTest, type TestQueue } from '../support/queues.ts'
import { CATALOGUE } from './catalogue/index.ts'
import type { Fault } from './fault.ts'
import { recordFigures } from './figures.ts'
import { openRig, type Rig } from './rig/rig.ts'
import { type Result, runFault } from './run-fault.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    queue: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const queues = queuesToTest().filter(
  (queue) => values.queue === undefined || queue === values.queue,
)
const isAll = positionals[0] === 'all'
const faults = isAll
  ? CATALOGUE.filter(({ isExtra }) => isExtra !== true)
  : CATALOGUE.filter(({ id }) => positionals.includes(id))
const known = CATALOGUE.map(({ id }) => id)
const unknown = isAll ? [] : positionals.filter((id) => !known.includes(id))

if (faults.length === 0 || unknown.length > 0 || !Number.isInteger(seed) || queues.length === 0) {
  for (const { id, title } of CATALOGUE) console.log(`${id.padEnd(5)} ${title}`)
  process.exit(positionals[0] === 'list' ? 0 : 64)
}
const startedMs = performance.now()
const results: Result[] = []
let rig: Rig | null = null
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeRig().finally(() => process.exit(1)))
}
for (const queue of queues) results.push(...(await runOn(queue)))
const minutes = (performance.now() - startedMs) / 60_000
const violated = results.filter(({ violations }) => violations.length > 0)
console.log(
  `${results.length} runs in ${minutes.toFixed(1)} min, ${violated.length} violated (seed ${seed})`,
)
process.exit(violated.length === 0 ? 0 : 1)

/** One Trainyard after the other: what a fault has broken is not given to the next. */
async function runOn(queue: TestQueue): Promise<Result[]> {
  const done: Result[] = []
  for (const fault of faults) {
    if (fault.queues?.includes(queue) === false) continue
    const reason = fault.unable?.() ?? null
    if (reason !== null) {
      console.log(`${fault.id} on ${queue}: left out, ${reason}`)
      continue
    }
    if (isAlone(fault)) await closeRig()
    // Two in a row are no accident of one start, and end the campaign.
    rig ??= await open(fault, queue).catch(() => open(fault, queue))
    const result = await runFault(fault, rig)
    done.push(result)
    print(result)
    if (isAll || values.write) await recordFigures(result, seed)
    if (result.violations.length > 0 || isAlone(fault)) await closeRig()
    fault.disk?.unmount()
  }
  await closeRig()
  return done
}

function open(fault: Fault, queue: TestQueue): Promise<Rig> {
  return openRig({ queue, seed, ...own(fault) })
}

async function closeRig(): Promise<void> {
  const closing = rig
  rig = null
  await closing?.close()
}

function isAlone(fault: Fault): boolean {
  return fault.environment !== undefined || fault.disk !== undefined
}

function own({ environment, disk }: Fault) {
  return {
    ...(environment !== undefined && { environment }),
    ...(disk !== undefined && { disk: disk.mount() }),
  }
}

function print(result: Result): void {
  const { id, queue, title, violations, notes } = result
  const verdict = violations.length === 0 ? 'held' : 'VIOLATED'
  console.log(`${id} on ${queue}: ${verdict} in ${result.seconds.toFixed(0)} s · ${title}`)
  console.log(
    `  ${result.submitted} submitted, ${result.acknowledged} acknowledged, ${result.unknown} unknown, ${result.lost} lost, ` +
      `${result.duplicated} duplicated, ${result.resumed} resumed, ${result.fenced} fenced, ` +
      `${result.identical} of ${result.compared} bit-identical, ` +
      `recovery p50 ${(result.recoveryMsP50 / 1000).toFixed(1)} s p99 ${(result.recoveryMsP99 / 1000).toFixed(1)} s`,
  )
  for (const note of notes) console.log(`  ${note}`)
  for (const violation of violations) console.log(`  ! ${violation}`)
}
