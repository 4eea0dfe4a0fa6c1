/**
 * The history of a job as one picture, 800 × 360: loss on the left, accuracy on the right when there is one. Colours are
 * attributes, since a style sheet inside would need its own permission in the Content-Security-Policy.
 */
import type { EpochMetrics, Job } from '@trainyard/contracts'
import { type Axis, makeEpochAxis, makeLinearAxis, makeLossAxis } from './axis.ts'
import { escapeXml, round, shorten, text } from './svg-text.ts'

export type Theme = 'light' | 'dark'

const WIDTH = 800
const HEIGHT = 360
const TOP = 84
const BOTTOM = HEIGHT - 50
/** More points than this cannot be told apart. */
export const CURVE_POINTS_MAX = 800

const COLORS = {
  light: {
    paper: '#ffffff',
    ink: '#1f2933',
    faint: '#667085',
    grid: '#e6e9ee',
    train: '#2563eb',
    val: '#d9480f',
    best: '#12805c',
  },
  dark: {
    paper: '#12161c',
    ink: '#e6eaf0',
    faint: '#98a2b3',
    grid: '#262d37',
    train: '#6aa5ff',
    val: '#ff9f5a',
    best: '#4fd1a1',
  },
}
type Colors = (typeof COLORS)['light']

interface Panel {
  title: string
  left: number
  right: number
  train: 'train_loss' | 'train_accuracy'
  val: 'val_loss' | 'val_accuracy'
}

export function renderCurves(
  { job, rows }: { job: Job; rows: readonly EpochMetrics[] },
  theme: Theme,
): string {
  const colors = COLORS[theme]
  const title = `Training curves of ${job.name ?? job.id}`
  const hasAccuracy = rows.some((row) => row.train_accuracy !== null || row.val_accuracy !== null)
  const panels = toPanels(hasAccuracy)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="12">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="desc">${escapeXml(describe(job, rows))}</desc>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="${colors.paper}"/>`,
    text(24, 28, shorten(job.name ?? job.id), { fill: colors.ink, size: 15, weight: 600 }),
    text(24, 47, subtitle(job), { fill: colors.faint }),
    legend(rows, colors),
    ...(rows.length === 0
      ? [
          text(WIDTH / 2, HEIGHT / 2 + 10, 'No epochs yet', {
            fill: colors.faint,
            anchor: 'middle',
            size: 14,
          }),
        ]
      : panels.map((panel) => renderPanel(panel, job, rows, colors))),
    '</svg>',
  ].join('\n')
}

function toPanels(hasAccuracy: boolean): Panel[] {
  const loss = { title: 'Loss', train: 'train_loss', val: 'val_loss' } as const
  const accuracy = { title: 'Accuracy', train: 'train_accuracy', val: 'val_accuracy' } as const
  if (!hasAccuracy) return [{ ...loss, left: 70, right: WIDTH - 28 }]
  return [
    { ...loss, left: 70, right: 388 },
    { ...accuracy, left: 458, right: WIDTH - 28 },
  ]
}

function renderPanel(
  panel: Panel,
  job: Job,
  rows: readonly EpochMetrics[],
  colors: Colors,
): string {
  const { left, right, train, val } = panel
  const values = rows.flatMap((row) => [row[train], row[val]]).filter((value) => value !== null)
  const last = rows.at(-1)?.epoch ?? 1
  const x = makeEpochAxis(last, left, right)
  const y =
    values.length === 0
      ? makeLinearAxis([0, 1], BOTTOM, TOP, 5)
      : train === 'train_loss'
        ? makeLossAxis(values, BOTTOM, TOP)
        : makeLinearAxis(values, BOTTOM, TOP, 5)
  return [
    '<g>',
    text(left, TOP - 10, panel.title, { fill: colors.ink, weight: 600 }),
    grid(x, y, panel, colors),
    bestMark(job, rows, panel, x, y, colors),
    curve(rows, train, x, y, colors.train),
    curve(rows, val, x, y, colors.val),
    '</g>',
  ].join('\n')
}

function grid(x: Axis, y: Axis, { left, right }: Panel, colors: Colors): string {
  const lines = y.ticks.map(({ value, label }) => {
    const at = round(y.place(value))
    return (
      `<path d="M${left} ${at}H${right}" stroke="${colors.grid}"/>` +
      text(left - 8, at + 4, label, { fill: colors.faint, anchor: 'end', size: 11 })
    )
  })
  const marks = x.ticks.map(({ value, label }) => {
    const at = round(x.place(value))
    return (
      `<path d="M${at} ${BOTTOM}v5" stroke="${colors.faint}"/>` +
      text(at, BOTTOM + 19, label, { fill: colors.faint, anchor: 'middle', size: 11 })
    )
  })
  const caption = text((left + right) / 2, HEIGHT - 12, 'Epoch', {
    fill: colors.faint,
    anchor: 'middle',
  })
  return [
    ...lines,
    `<path d="M${left} ${BOTTOM}H${right}" stroke="${colors.faint}"/>`,
    ...marks,
    caption,
  ].join('\n')
}

/** A value that is not a number breaks the line; what is between two breaks is drawn. */
function curve(
  rows: readonly EpochMetrics[],
  name: Panel['train'] | Panel['val'],
  x: Axis,
  y: Axis,
  color: string,
): string {
  let path = ''
  let pen = 'M'
  let points = 0
  for (const row of rows) {
    const value = row[name]
    if (value === null) {
      pen = 'M'
      continue
    }
    path += `${pen}${round(x.place(row.epoch))} ${round(y.place(value))}`
    pen = 'L'
    points += 1
  }
  if (path === '') return ''
  const only = rows.find((row) => row[name] !== null)
  if (points === 1 && only !== undefined) {
    return `<circle cx="${round(x.place(only.epoch))}" cy="${round(y.place(only[name] ?? 0))}" r="3" fill="${color}"/>`
  }
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>`
}

function bestMark(
  job: Job,
  rows: readonly EpochMetrics[],
  { train, val }: Panel,
  x: Axis,
  y: Axis,
  colors: Colors,
): string {
  const best = rows.find(({ epoch }) => epoch === job.best?.epoch)
  if (best === undefined) return ''
  const at = round(x.place(best.epoch))
  const value = best[val] ?? best[train]
  const dot =
    value === null
      ? ''
      : `<circle cx="${at}" cy="${round(y.place(value))}" r="4.5" fill="${colors.paper}" stroke="${colors.best}" stroke-width="2"/>`
  return `<path d="M${at} ${TOP}V${BOTTOM}" stroke="${colors.best}" stroke-width="1.5" stroke-dasharray="4 4"/>${dot}`
}

function legend(rows: readonly EpochMetrics[], colors: Colors): string {
  const entries = [
    { label: 'Training', color: colors.train, dash: '', width: 86 },
    ...(rows.some((row) => row.val_loss !== null)
      ? [{ label: 'Validation', color: colors.val, dash: '', width: 94 }]
      : []),
    { label: 'Best epoch', color: colors.best, dash: ' stroke-dasharray="4 4"', width: 96 },
  ]
  let at = WIDTH - 28 - entries.reduce((sum, { width }) => sum + width, 0) + 16
  return entries
    .map(({ label, color, dash, width }) => {
      const entry =
        `<path d="M${at} 24h18" stroke="${color}" stroke-width="2.5"${dash}/>` +
        text(at + 24, 28, label, { fill: colors.ink })
      at += width
      return entry
    })
    .join('')
}

function subtitle(job: Job): string {
  const parts = [job.status, `epoch ${job.epoch} of ${job.resolved_config.training.epochs}`]
  if (job.best !== null) parts.push(`best ${summarize(job.best)}`)
  return parts.join(' · ')
}

function summarize(best: NonNullable<Job['best']>): string {
  const { val_accuracy, val_loss, train_loss } = best.metrics
  const at = `at epoch ${best.epoch}`
  if (val_accuracy !== null) return `validation accuracy ${(val_accuracy * 100).toFixed(1)} % ${at}`
  if (val_loss !== null) return `validation loss ${val_loss.toPrecision(4)} ${at}`
  return train_loss === null ? at : `training loss ${train_loss.toPrecision(4)} ${at}`
}

function describe(job: Job, rows: readonly EpochMetrics[]): string {
  const last = rows.at(-1)
  if (last === undefined) return `The job is ${job.status}; no epoch has ended yet.`
  const show = (value: number | null) => (value === null ? 'not a number' : value.toPrecision(4))
  const validation = last.val_loss === null ? '' : `, validation loss ${show(last.val_loss)}`
  const best = job.best === null ? '' : ` The best epoch is ${job.best.epoch}.`
  return `After epoch ${last.epoch}: training loss ${show(last.train_loss)}${validation}.${best}`
}
