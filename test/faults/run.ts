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
import { seededRandom } from './rig/random.ts'
import { openRig, type Rig } from './rig/rig.ts'
import type { MountedDisk } from './rig/small-disk.ts'
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
const faults = isAll ? CATALOGUE : CATALOGUE.filter(({ id }) => positionals.includes(id))
const known = CATALOGUE.map(({ id }) => id)
const unknown = isAll ? [] : positionals.filter((id) => !known.includes(id))

if (faults.length === 0 || unknown.length > 0 || !Number.isInteger(seed) || queues.length === 0) {
  for (const { id, title } of CATALOGUE) console.log(`${id.padEnd(5)} ${title}`)
  process.exit(positionals[0] === 'list' ? 0 : 64)
}
const startedMs = performance.now()
const results: Result[] = []
const open = new Set<Rig>()
let hasBrokenOff = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeAll().finally(() => process.exit(1)))
}
// What a fault that broke off has left behind must not end the other queue's.
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, breakOff)
// Most of a fault is waiting: both queues wait at the same time, but for those that measure the machine.
const [measuring, waiting] = [true, false].map((is) =>
  faults.filter((fault) => (fault.needsMachine === true) === is),
)
for (const queue of queues) await runOn(queue, measuring ?? []).catch(breakOff)
await Promise.all(queues.map((queue) => runOn(queue, waiting ?? []).catch(breakOff)))
const minutes = (performance.now() - startedMs) / 60_000
const violated = results.filter(({ violations }) => violations.length > 0)
console.log(
  `${results.length} runs in ${minutes.toFixed(1)} min, ${violated.length} violated (seed ${seed})`,
)
process.exit(violated.length === 0 && !hasBrokenOff ? 0 : 1)

function breakOff(error: unknown): null {
  hasBrokenOff = true
  console.error(error)
  return null
}

/** One Trainyard after the other: what a fault has broken is not given to the next. */
async function runOn(queue: TestQueue, some: readonly Fault[]): Promise<void> {
  let rig: Rig | null = null
  const close = async () => {
    const closing = rig
    rig = null
    if (closing !== null) open.delete(closing)
    await closing?.close()
  }
  for (const fault of some) {
    if (fault.queues?.includes(queue) === false) continue
    const reason = fault.unable?.() ?? null
    if (reason !== null) {
      console.log(`${fault.id} on ${queue}: left out, ${reason}`)
      continue
    }
    if (isAlone(fault)) await close()
    const disk = fault.disk?.mount()
    rig ??= await start(fault, queue, disk).catch(() => start(fault, queue, disk).catch(breakOff))
    if (rig === null) continue
    open.add(rig)
    rig.random = seededRandom(seed)
    const result = await runFault(fault, rig)
    results.push(result)
    print(result)
    if (isAll || values.write) await recordFigures(result, seed)
    if (result.violations.length > 0 || isAlone(fault)) await close()
    if (disk !== undefined) fault.disk?.unmount(disk)
  }
  await close()
}

function start(
  { environment }: Fault,
  queue: TestQueue,
  disk: MountedDisk | undefined,
): Promise<Rig> {
  return openRig({
    ...{ queue, seed },
    ...(environment !== undefined && { environment }),
    ...(disk !== undefined && { disk }),
  })
}

async function closeAll(): Promise<void> {
  await Promise.all([...open].map((rig) => rig.close()))
}

function isAlone(fault: Fault): boolean {
  return fault.environment !== undefined || fault.disk !== undefined
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
