/** The figures of one workload as a Markdown table, the fastest first. */
import { medianOf } from './common.ts'

/** What a peer prints of a run; which figures depends on the workload. */
export interface Line {
  peer: string
  version: string
  workload: string
  epoch_s?: number
  gflops?: number
  rss_mb?: number
  start_s?: number
  samples?: number
  sweep_s?: number
  with_start_s?: number
  batch1_us?: number
  batch1024_samples_per_s?: number
}

interface Layout {
  /** What rows are sorted by, and what differs from run to run. */
  measure: (line: Line) => number | undefined
  columns: Record<string, (line: Line, values: number[]) => string>
}

const EPOCH: Layout = {
  measure: ({ epoch_s }) => epoch_s,
  columns: {
    's/epoch': ({ epoch_s = Number.NaN }) => seconds(epoch_s),
    'of all runs': (_line, values) => values.map(seconds).join(', '),
    'GFLOP/s': ({ gflops = Number.NaN }) => gflops.toPrecision(3),
    'MB resident': ({ rss_mb }) => String(rss_mb),
    'start to first update': ({ start_s = Number.NaN }) => seconds(start_s),
    'rows trained': ({ samples = Number.NaN }) => samples.toLocaleString('en'),
  },
}

const SWEEP: Layout = {
  measure: ({ sweep_s }) => sweep_s,
  columns: {
    '64 trials': ({ sweep_s = Number.NaN }) => seconds(sweep_s),
    'of all runs': (_line, values) => values.map(seconds).join(', '),
    'with start': ({ with_start_s = Number.NaN }) => seconds(with_start_s),
  },
}

const INFERENCE: Layout = {
  measure: ({ batch1_us }) => batch1_us,
  columns: {
    'batch of 1': ({ batch1_us = Number.NaN }) => seconds(batch1_us / 1e6),
    'of all runs': (_line, values) => values.map((value) => seconds(value / 1e6)).join(', '),
    'batch of 1,024, rows/s': ({ batch1024_samples_per_s: rate = Number.NaN }) =>
      rate.toLocaleString('en'),
  },
}

/** What a workload is sorted by: seconds, or microseconds of an inference. */
export function measureOf(workload: string, line: Line): number {
  return layoutOf(workload).measure(line) ?? Number.NaN
}

/** `results` holds for each peer the lines of its runs. */
export function toTable(workload: string, results: readonly Line[][]): string {
  const { measure, columns } = layoutOf(workload)
  const rows = results
    .map((lines) => {
      const sorted = lines.toSorted((a, b) => (measure(a) ?? 0) - (measure(b) ?? 0))
      const values = sorted.map((line) => measure(line) ?? Number.NaN)
      // Of two runs the faster: a disturbance only ever adds.
      return { typical: sorted[(sorted.length - 1) >> 1], values }
    })
    .sort((a, b) => medianOf(a.values) - medianOf(b.values))
  const heads = Object.keys(columns)
  const lines = rows.flatMap(({ typical, values }) => {
    if (typical === undefined) return []
    const label = `${typical.peer} ${typical.version}`
    const cells = Object.values(columns).map((cell) => cell(typical, values))
    return [[typical.peer === 'trainyard' ? `**${label}**` : label, ...cells]]
  })
  const table = [['', ...heads], ['', ...heads].map(() => '---'), ...lines]
  return `### ${workload}\n\n${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function seconds(value: number): string {
  if (value < 1e-3) return `${(value * 1e6).toPrecision(3)} µs`
  return value < 1 ? `${(value * 1e3).toPrecision(3)} ms` : `${value.toPrecision(3)} s`
}

function layoutOf(workload: string): Layout {
  if (workload === 'infer') return INFERENCE
  return workload === 'W8' ? SWEEP : EPOCH
}
