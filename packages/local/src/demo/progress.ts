/** The training as it goes: a bar, the numbers of the last epoch, and the curve of both losses. */
import type { EpochMetrics } from '@trainyard/contracts'
import type { Terminal } from './terminal.ts'

export interface Progress {
  show(metrics: EpochMetrics): void
  /** With every epoch when the training ended well: the news on the way held only some of them. */
  end(history?: EpochMetrics[]): void
}

const BAR_WIDTH = 40
const CURVE_WIDTH = 60
const CURVE_LINES = 2
const STEPS = '▁▂▃▄▅▆▇█'

export function createProgress(
  terminal: Terminal,
  epochs: number,
  now: () => number = () => performance.now(),
): Progress {
  const { paint } = terminal
  const history: EpochMetrics[] = []
  let first: { epoch: number; at: number } | undefined
  let drawnLines = 0
  return {
    show: (metrics) => {
      history.push(metrics)
      if (terminal.isLive) redraw(draw(metrics))
      else terminal.write(`  ${toPlainLine(metrics, epochs)}, ${eta(metrics.epoch)}\n`)
    },
    end: (whole) => {
      if (whole !== undefined) {
        // Over the curves that the news had drawn.
        if (drawnLines > 0) terminal.write(`\x1b[${CURVE_LINES}A`)
        terminal.write(toLines(drawCurves(whole)))
      }
      if (drawnLines > 0) terminal.write('\x1b[?25h')
    },
  }

  function redraw(lines: string[]): void {
    // Up to the first line, then each over the one before, cleared to its end; the cursor would flicker.
    const up = drawnLines === 0 ? '\x1b[?25l' : `\x1b[${drawnLines}A`
    terminal.write(up + toLines(lines))
    drawnLines = lines.length
  }

  function draw(metrics: EpochMetrics): string[] {
    const done = Math.round((metrics.epoch / epochs) * BAR_WIDTH)
    const bar = paint.green('━'.repeat(done)) + paint.dim('━'.repeat(BAR_WIDTH - done))
    const speed = `${Math.round(metrics.examples_per_second).toLocaleString('en')} examples/s`
    return [
      `  ${bar} epoch ${metrics.epoch}/${epochs}  ${speed}  ${eta(metrics.epoch)}`,
      `  train  loss ${four(metrics.train_loss)}  accuracy ${four(metrics.train_accuracy)}`,
      `  ${paint.blue('val')}    loss ${four(metrics.val_loss)}  accuracy ${paint.bold(four(metrics.val_accuracy))}`,
      ...drawCurves(history),
    ]
  }

  function drawCurves(rows: EpochMetrics[]): string[] {
    const width = Math.min(CURVE_WIDTH, Math.max(8, terminal.columns - 20))
    const top = Math.max(...rows.flatMap((row) => [row.train_loss ?? 0, row.val_loss ?? 0]))
    const curve = (pick: (row: EpochMetrics) => number | null) =>
      sparkline(rows.map(pick), top, width)
    return [
      `  train loss ${curve((row) => row.train_loss)}`,
      `  ${paint.blue('val loss')}   ${paint.blue(curve((row) => row.val_loss))}`,
    ]
  }

  function toLines(lines: string[]): string {
    const [from, to] = terminal.isLive ? ['\r', '\x1b[K'] : ['', '']
    return lines.map((line) => `${from}${line}${to}\n`).join('')
  }

  /** At the most: early stopping may end it sooner. By the pace since the first news, which came after the wait for a thread. */
  function eta(epoch: number): string {
    first ??= { epoch, at: now() }
    const paceMs = (now() - first.at) / (epoch - first.epoch)
    return `ETA ${Number.isFinite(paceMs) ? ((paceMs * (epochs - epoch)) / 1000).toFixed(1) : '–'} s`
  }
}

export function toPlainLine(metrics: EpochMetrics, epochs: number): string {
  return (
    `epoch ${metrics.epoch}/${epochs}` +
    `  train loss ${four(metrics.train_loss)} accuracy ${four(metrics.train_accuracy)}` +
    `  val loss ${four(metrics.val_loss)} accuracy ${four(metrics.val_accuracy)}` +
    `  ${Math.round(metrics.examples_per_second)} examples/s`
  )
}

/** Heights from 0 to `top`, the values thinned evenly to `width`; what is not a number leaves a gap. */
export function sparkline(values: (number | null)[], top: number, width: number): string {
  const count = Math.min(values.length, width)
  return Array.from({ length: count }, (_, i) => {
    const value = values[Math.floor(((i + 1) * values.length) / count) - 1]
    if (value === null || value === undefined || !(top > 0)) return ' '
    return STEPS.charAt(Math.min(STEPS.length - 1, Math.floor((value / top) * STEPS.length)))
  }).join('')
}

function four(value: number | null): string {
  return value === null ? '–' : value.toFixed(4)
}
