import { writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Result } from './run-fault.ts'

const PAGE = fileURLToPath(new URL('../../docs/fault-figures.md', import.meta.url))

/** Writes `docs/fault-figures.md`. */
export async function writeFigures(
  results: readonly Result[],
  { command, minutes }: { command: string; minutes: number },
): Promise<void> {
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(0)
  const date = new Date().toISOString().slice(0, 10)
  const lines = [
    '# Figures of the faults',
    '',
    `Written by \`${command}\` on ${date} in ${minutes.toFixed(0)} minutes: ${cpus()[0]?.model.trim()}, ` +
      `${cpus().length} cores, ${gibibytes} GiB, Node ${process.version}, load at the end ${loadavg()[0]?.toFixed(1)}. ` +
      'What each fault is and must hold is in [guarantees.md](guarantees.md). A lease is 2 s here, two jobs train at a time.',
    '',
    '| fault | queue | submitted | acknowledged | unknown | lost | duplicated | resumed | fenced | bit-identical | recovery p50 / p99 | held |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|',
    ...results.map(toRow),
    '',
    '## What else was seen',
    '',
    ...results.flatMap((result) => [
      `- **${result.id}** on ${result.queue}, ${result.title} (${result.seconds.toFixed(0)} s): ${
        [
          ...result.notes,
          ...result.violations.map((violation) => `**violated**: ${firstLine(violation)}`),
        ].join('; ') || 'nothing beyond the table'
      }.`,
    ]),
    '',
  ]
  await writeFile(PAGE, lines.join('\n'))
}

function toRow(result: Result): string {
  const recovery = [result.recoveryMsP50, result.recoveryMsP99]
    .map((ms) => (Number.isNaN(ms) ? '–' : `${(ms / 1000).toFixed(1)} s`))
    .join(' / ')
  const { submitted, acknowledged, unknown, lost, duplicated, resumed, fenced } = result
  const counts = [submitted, acknowledged, unknown, lost, duplicated, resumed, fenced]
  const identical = `${result.identical} of ${result.compared}`
  const held = result.violations.length === 0 ? 'yes' : '**no**'
  return `| ${[result.id, result.queue, ...counts, identical, recovery, held].join(' | ')} |`
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
