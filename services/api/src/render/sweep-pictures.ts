/** Pictures of a sweep, 800 wide, in the manner of the curves of a job. */
import type { Sweep, SweepImportance } from '@trainyard/contracts'
import type { ScoredTrialRow } from '@trainyard/domain'
import { type Dimension, fromLoss, type ResolvedSweep, toLoss, toPlace } from '@trainyard/sweeps'
import { type Axis, makeEpochAxis, makeLossAxis } from './axis.ts'
import { clipWorst } from './clip-worst.ts'
import type { Theme } from './curves.ts'
import { escapeXml, round, shorten, text } from './svg-text.ts'
import { toValueLabel } from './value-label.ts'

const WIDTH = 800
const HEIGHT = 360
const TOP = 84
const BOTTOM = HEIGHT - 50
const LEFT = 70
const RIGHT = WIDTH - 28
/** More lines than this cannot be told apart. */
const LINES_MAX = 500
const POINTS_MAX = 2000
/** Values of a list that each have their label. */
const LABELS_MAX = 8

const COLORS = {
  light: {
    paper: '#ffffff',
    ink: '#1f2933',
    faint: '#667085',
    grid: '#e6e9ee',
    trial: '#2563eb',
    best: '#12805c',
  },
  dark: {
    paper: '#12161c',
    ink: '#e6eaf0',
    faint: '#98a2b3',
    grid: '#262d37',
    trial: '#6aa5ff',
    best: '#4fd1a1',
  },
}
type Colors = (typeof COLORS)['light']

interface Results {
  sweep: Sweep
  resolved: ResolvedSweep
  /** In the order of finishing. */
  trials: readonly ScoredTrialRow[]
}

type Scored = ScoredTrialRow & { objective: number }

/** The objective of each trial in the order of finishing, and the best so far. */
export function renderHistory({ sweep, trials }: Results, theme: Theme): string {
  const colors = COLORS[theme]
  const scored = toScored(trials).slice(-POINTS_MAX)
  const values = scored.map(({ objective }) => objective)
  const { clip, clipped } = clipWorst(values, sweep.objective.goal)
  const title = `${sweep.objective.metric} by trial, in the order of finishing`
  if (scored.length === 0) return draw(sweep, title, HEIGHT, colors, [nothingYet(colors)])
  const x = makeEpochAxis(scored.length, LEFT, RIGHT)
  const y = makeLossAxis(values.map(clip), BOTTOM, TOP)
  let best = Number.POSITIVE_INFINITY
  const path = scored.map(({ objective }, i) => {
    const loss = toLoss(sweep.objective, objective)
    best = Math.min(best, loss)
    return `${i === 0 ? 'M' : 'L'}${round(x.place(i + 1))} ${round(y.place(clip(fromLoss(sweep.objective, best))))}`
  })
  const dots = scored.map(
    ({ objective }, i) =>
      `<circle cx="${round(x.place(i + 1))}" cy="${round(y.place(clip(objective)))}" r="2.5" fill="${colors.trial}" fill-opacity="0.55"/>`,
  )
  return draw(sweep, title, HEIGHT, colors, [
    ...gridOf(x, y, colors),
    ...dots,
    `<path d="${path.join('')}" fill="none" stroke="${colors.best}" stroke-width="2"/>`,
    text(RIGHT, 47, 'line: best so far', { fill: colors.best, anchor: 'end' }),
    clippedNote(clipped, colors),
  ])
}

/** One axis per parameter and one for the objective; one line per trial, the best on top. */
export function renderParallel({ sweep, resolved, trials }: Results, theme: Theme): string {
  const colors = COLORS[theme]
  const scored = toScored(trials)
    .toSorted((a, b) => toLoss(sweep.objective, b.objective) - toLoss(sweep.objective, a.objective))
    .slice(-LINES_MAX)
  const dimensions = resolved.space.dimensions.filter(isSearched)
  const title = 'Parameters and objective of each trial'
  if (scored.length === 0) return draw(sweep, title, HEIGHT, colors, [nothingYet(colors)])
  const objectives = scored.map(({ objective }) => objective)
  const { clip, clipped } = clipWorst(objectives, sweep.objective.goal)
  const y = makeLossAxis(objectives.map(clip), BOTTOM, TOP)
  const columns = dimensions.length + 1
  const at = (column: number) => LEFT + ((RIGHT - LEFT) * column) / Math.max(1, columns - 1)
  const lines = scored.map(({ params, objective }, i) => {
    const isBest = i === scored.length - 1
    const points = dimensions.flatMap((dimension, column) =>
      dimension.name in params
        ? [`${round(at(column))} ${round(BOTTOM + (TOP - BOTTOM) * toPlace(dimension, params))}`]
        : [],
    )
    points.push(`${round(at(columns - 1))} ${round(y.place(clip(objective)))}`)
    const style = isBest
      ? `stroke="${colors.best}" stroke-width="2.5"`
      : `stroke="${colors.trial}" stroke-opacity="0.25"`
    return `<polyline points="${points.join(' ')}" fill="none" ${style}/>`
  })
  const axes = [
    ...dimensions.map((dimension) => labelsOf(dimension)),
    [sweep.objective.metric, '', ''],
  ].map(([name = '', high = '', low = ''], column) => {
    const anchor = column === columns - 1 ? 'end' : 'middle'
    return [
      `<line x1="${round(at(column))}" x2="${round(at(column))}" y1="${TOP}" y2="${BOTTOM}" stroke="${colors.faint}"/>`,
      text(at(column), BOTTOM + 34, shorten(name.split('.').at(-1) ?? name), {
        fill: colors.ink,
        anchor,
      }),
      text(at(column), TOP - 8, high, { fill: colors.faint, anchor, size: 11 }),
      text(at(column), BOTTOM + 16, low, { fill: colors.faint, anchor, size: 11 }),
    ].join('')
  })
  /** Labels stand among the lines. */
  const among = { fill: colors.faint, size: 11, halo: colors.paper }
  const ticks = y.ticks.map(({ value, label }) =>
    text(RIGHT - 6, y.place(value) + 4, label, { ...among, anchor: 'end' }),
  )
  const values = dimensions.flatMap((dimension, column) =>
    labelsAlong(dimension).map(({ place, label }) =>
      text(at(column) + 5, BOTTOM + (TOP - BOTTOM) * place + 4, label, among),
    ),
  )
  return draw(sweep, title, HEIGHT, colors, [
    ...axes,
    ...lines,
    ...values,
    ...ticks,
    clippedNote(clipped, colors),
  ])
}

/** A bar per parameter: the share of the objective's variance that it explains by itself. */
export function renderImportance(
  { sweep }: Pick<Results, 'sweep'>,
  importance: SweepImportance,
  theme: Theme,
): string {
  const colors = COLORS[theme]
  const rows = [
    ...importance.parameters.map(({ parameter, share }) => ({ name: parameter, share })),
    { name: 'together only', share: importance.interactions },
  ]
  const height = TOP + rows.length * 28 + 24
  const from = 300
  const bars = rows.map(({ name, share }, i) => {
    const y = TOP + i * 28
    const width = Math.max(1, share * (RIGHT - 60 - from))
    return [
      text(from - 10, y + 14, shorten(name), { fill: colors.ink, anchor: 'end' }),
      `<rect x="${from}" y="${y}" width="${round(width)}" height="18" rx="3" fill="${colors.trial}"/>`,
      text(from + width + 8, y + 14, `${(share * 100).toFixed(1)} %`, { fill: colors.faint }),
    ].join('')
  })
  return draw(
    sweep,
    `Importance for ${sweep.objective.metric}, of ${importance.trials} trials`,
    height,
    colors,
    bars,
  )
}

function draw(
  sweep: Sweep,
  title: string,
  height: number,
  colors: Colors,
  content: readonly string[],
): string {
  const name = sweep.name ?? sweep.id
  const best = sweep.best?.objective?.mean
  const found =
    best === undefined ? 'no result yet' : `best ${sweep.objective.metric} ${best.toPrecision(4)}`
  const subtitle = `${title} · ${sweep.status} · ${found}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="12">`,
    `<title id="title">${escapeXml(`${title}: ${name}`)}</title>`,
    `<desc id="desc">${escapeXml(subtitle)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" rx="8" fill="${colors.paper}"/>`,
    text(24, 28, shorten(name), { fill: colors.ink, size: 15, weight: 600 }),
    text(24, 47, subtitle, { fill: colors.faint }),
    ...content,
    '</svg>',
  ].join('\n')
}

function gridOf(x: Axis, y: Axis, colors: Colors): string[] {
  const lines = y.ticks.map(
    ({ value, label }) =>
      `<line x1="${LEFT}" x2="${RIGHT}" y1="${round(y.place(value))}" y2="${round(y.place(value))}" stroke="${colors.grid}"/>` +
      text(LEFT - 8, y.place(value) + 4, label, { fill: colors.faint, anchor: 'end' }),
  )
  const marks = x.ticks.map(({ value, label }) =>
    text(x.place(value), BOTTOM + 20, label, { fill: colors.faint, anchor: 'middle' }),
  )
  return [...lines, ...marks]
}

function nothingYet(colors: Colors): string {
  return text(WIDTH / 2, HEIGHT / 2 + 10, 'No trial has a result yet', {
    fill: colors.faint,
    anchor: 'middle',
    size: 14,
  })
}

function toScored(trials: readonly ScoredTrialRow[]): Scored[] {
  return trials.filter((trial): trial is Scored => trial.objective !== null)
}

function isSearched(dimension: Dimension): boolean {
  return dimension.kind === 'numeric' || dimension.values.length > 1
}

/** Name, and what stands at both ends of the axis. */
function labelsOf(dimension: Dimension): [string, string, string] {
  if (dimension.kind === 'numeric')
    return [dimension.name, toValueLabel(dimension.max), toValueLabel(dimension.min)]
  if (dimension.values.length <= LABELS_MAX) return [dimension.name, '', '']
  return [dimension.name, toValueLabel(dimension.values.at(-1)), toValueLabel(dimension.values[0])]
}

/** Each value of a short list, where its lines cross the axis. */
function labelsAlong(dimension: Dimension): { place: number; label: string }[] {
  if (dimension.kind === 'numeric' || dimension.values.length > LABELS_MAX) return []
  return dimension.values.map((value) => ({
    place: toPlace(dimension, { [dimension.name]: value }),
    label: toValueLabel(value),
  }))
}

function clippedNote(clipped: number, colors: Colors): string {
  if (clipped === 0) return ''
  const what = clipped === 1 ? 'one worse trial is' : `${clipped} worse trials are`
  return text(RIGHT, 28, `axis to the 90 % quantile: ${what} drawn at its end`, {
    fill: colors.faint,
    anchor: 'end',
    size: 11,
  })
}
