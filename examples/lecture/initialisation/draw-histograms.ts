/** Histograms of values between −1 and 1 in rows and columns, as an SVG that follows the reader's light or dark theme. */
import { THEME } from '../draw-lines.ts'

/** Equal bins from the lowest to the highest value. */
export interface Histogram {
  lower: number
  upper: number
  counts: number[]
}

interface Grid {
  title: string
  columns: string[]
  rows: { name: string; histograms: Histogram[] }[]
}

const CELL = { width: 140, height: 70 }
const LEFT = 140
const TOP = 74
const GAP = 12

export function drawHistograms({ title, columns, rows }: Grid): string {
  const width = LEFT + columns.length * (CELL.width + GAP) + GAP
  const height = TOP + rows.length * (CELL.height + GAP) + GAP
  const x = (column: number) => LEFT + column * (CELL.width + GAP)
  const y = (row: number) => TOP + row * (CELL.height + GAP)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
    `<style>${THEME}.bars { fill: #0072b2 }</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    `<text class="title" x="24" y="30">${title}</text>`,
    ...columns.map((name, i) => `<text class="faint" x="${x(i)}" y="${TOP - 10}">${name}</text>`),
    ...rows.map(({ name, histograms }, row) =>
      [
        `<text x="24" y="${y(row) + CELL.height / 2}">${name}</text>`,
        ...histograms.map((histogram, column) => bars(histogram, x(column), y(row))),
      ].join('\n'),
    ),
    '</svg>\n',
  ].join('\n')
}

/** The fullest bin reaches the top; a bin is at least two pixels wide, or values that are all the same would vanish. */
function bars({ lower, upper, counts }: Histogram, left: number, top: number): string {
  const binWidth = ((upper - lower) / counts.length / 2) * CELL.width
  const highest = Math.max(...counts)
  const bottom = top + CELL.height
  const path = counts.map((count, i) => {
    if (count === 0) return ''
    const at = left + ((lower + 1) / 2) * CELL.width + i * binWidth
    return `M${round(at)} ${bottom}v${round((-count / highest) * CELL.height)}h${round(Math.max(binWidth, 2))}V${bottom}z`
  })
  return `<path class="grid" d="M${left} ${bottom}h${CELL.width}"/><path class="bars" d="${path.join('')}"/>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
