/** The figures of every fault as it was last tried: a line of JSON for each fault and queue, and the page made of them. */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { CATALOGUE } from './catalogue/index.ts'
import type { Result } from './run-fault.ts'

const ROWS = fileURLToPath(new URL('../../docs/fault-figures.ndjson', import.meta.url))
const PAGE = fileURLToPath(new URL('../../docs/fault-figures.md', import.meta.url))

/** Null where JSON has no NaN: nothing recovered. */
type Row = Omit<Result, 'recoveryMsP50' | 'recoveryMsP99'> & {
  recoveryMsP50: number | null
  recoveryMsP99: number | null
  seed: number
  /** When it ended, UTC. */
  at: string
  /** Of the machine over its last minute: what else ran then shows here. */
  load: number
}

/** Of both queues, one after the other. */
let writing: Promise<void> = Promise.resolve()

/** Replaces the row of this fault on this queue, and leaves all others as they are. */
export function recordFigures(result: Result, seed: number): Promise<void> {
  writing = writing.then(() => record(result, seed))
  return writing
}

async function record(result: Result, seed: number): Promise<void> {
  const load = Number(loadavg()[0]?.toFixed(1))
  const row = { ...result, seed, at: `${new Date().toISOString().slice(0, 16)}Z`, load }
  const others = (await readRows()).filter(
    ({ id, queue }) => id !== result.id || queue !== result.queue,
  )
  await writeFile(ROWS, `${[...others, row].map((one) => JSON.stringify(one)).join('\n')}\n`)
  await writePage()
}

async function readRows(): Promise<Row[]> {
  const text = await readFile(ROWS, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Row)
}

async function writePage(): Promise<void> {
  const read = await readRows()
  const rows = CATALOGUE.flatMap((fault) => read.filter(({ id }) => id === fault.id))
  const missing = CATALOGUE.flatMap(({ id, queues = ['redis', 'postgres'] }) =>
    queues
      .filter((queue) => !rows.some((row) => row.id === id && row.queue === queue))
      .map((queue) => `${id} on ${queue}`),
  )
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(0)
  const lines = [
    '# Figures of the faults',
    '',
    `Written by \`npm run fault -- all\`, or with \`--write\` for single faults, each of which replaces its own rows: ${cpus()[0]?.model.trim()}, ` +
      `${cpus().length} cores, ${gibibytes} GiB, Node ${process.version}. ` +
      'What each fault is and must hold is in [guarantees.md](guarantees.md). A lease is 2 s here, two jobs train at a time. ' +
      'Most faults are tried on both queues at the same time. The load is that of the whole machine; one far above 6 means that something else ran beside them.',
    '',
    `Not tried yet on this version: ${missing.length === 0 ? 'none' : missing.join(', ')}.`,
    '',
    '| fault | queue | submitted | acknowledged | unknown | lost | duplicated | resumed | fenced | bit-identical | recovery p50 / p99 | ended, load | held |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---|',
    ...rows.map(toCells),
    '',
    '## What else was seen',
    '',
    ...rows.map((row) => {
      const seen = [
        ...row.notes,
        ...row.violations.map((violation) => `**violated**: ${violation.split('\n')[0]}`),
      ]
      return (
        `- **${row.id}** on ${row.queue}, ${row.title} (${row.seconds.toFixed(0)} s, seed ${row.seed}): ` +
        `${seen.join('; ') || 'nothing beyond the table'}.`
      )
    }),
    '',
  ]
  await writeFile(PAGE, lines.join('\n'))
}

function toCells(row: Row): string {
  const recovery = [row.recoveryMsP50, row.recoveryMsP99]
    .map((ms) => (ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`))
    .join(' / ')
  const { submitted, acknowledged, unknown, lost, duplicated, resumed, fenced } = row
  const counts = [submitted, acknowledged, unknown, lost, duplicated, resumed, fenced]
  const identical = `${row.identical} of ${row.compared}`
  const ended = `${row.at.replace('T', ' ')}, ${row.load.toFixed(1)}`
  const held = row.violations.length === 0 ? 'yes' : '**no**'
  return `| ${[row.id, row.queue, ...counts, identical, recovery, ended, held].join(' | ')} |`
}
