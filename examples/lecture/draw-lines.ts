/** A line chart as an SVG of 760 × 360 that follows the reader's light or dark theme. */

export interface LineChart {
  title: string
  x: string
  y: string
  lines: { name: string; points: (readonly [x: number, y: number | null])[] }[]
}

const WIDTH = 760
const HEIGHT = 360
const PLOT = { left: 64, right: 540, top: 56, bottom: 306 }
const TICKS = 5

/** Told apart by people who see red and green alike (Okabe and Ito), and on both papers. */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7f7f7f']

/** Classes that both themes give their colours. */
export const THEME = `text { fill: #1f2933; font: 12px system-ui, sans-serif } .title { font: 600 15px system-ui, sans-serif }
.paper { fill: #fff } .faint { fill: #667085 } .grid { stroke: #e6e9ee }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaf0 } .paper { fill: #12161c } .faint { fill: #98a2b3 } .grid { stroke: #262d37 }
}`

export function drawLines({ title, x, y, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points)
  const ticksX = ticks(points.map(([value]) => value))
  const ticksY = ticks(points.flatMap(([, value]) => value ?? []))
  const placeX = scale(ticksX, PLOT.left, PLOT.right)
  const placeY = scale(ticksY, PLOT.bottom, PLOT.top)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">`,
    `<style>${THEME}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    `<text class="title" x="24" y="30">${title}</text>`,
    `<text class="faint" x="${PLOT.left}" y="48">${y}</text>`,
    `<text class="faint" x="${PLOT.right}" y="${PLOT.bottom + 40}" text-anchor="end">${x}</text>`,
    ...ticksY.map((value) => {
      const at = placeY(value)
      return `<path class="grid" d="M${PLOT.left} ${at}H${PLOT.right}"/><text class="faint" x="${PLOT.left - 8}" y="${at + 4}" text-anchor="end">${value}</text>`
    }),
    ...ticksX.map(
      (value) =>
        `<text class="faint" x="${placeX(value)}" y="${PLOT.bottom + 20}" text-anchor="middle">${value}</text>`,
    ),
    ...lines.map(({ name, points }, i) => {
      const color = COLORS[i % COLORS.length]
      // A loss that was not finite breaks the line.
      const path = points.map(([px, py], j) =>
        py === null
          ? ''
          : `${j === 0 || points[j - 1]?.[1] === null ? 'M' : 'L'}${placeX(px)} ${placeY(py)}`,
      )
      const legend = PLOT.top + 12 + i * 24
      return `<path fill="none" stroke="${color}" stroke-width="2" d="${path.join('')}"/><path stroke="${color}" stroke-width="3" d="M556 ${legend - 4}h18"/><text x="582" y="${legend}">${name}</text>`
    }),
    '</svg>\n',
  ].join('\n')
}

/** Round numbers around all values. */
function ticks(values: number[]): number[] {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const rough = (high - low || 1) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.floor(low / step)
  const count = Math.ceil(high / step) - first
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

function scale(ticks: number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...ticks)
  const high = Math.max(...ticks)
  return (value) => Math.round((from + ((value - low) / (high - low)) * (to - from)) * 10) / 10
}
