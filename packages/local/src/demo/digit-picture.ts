import type { Digit } from './held-out.ts'

const SIDE = 8
const GREY_MAX = 16
/** From paper to ink; two characters make a pixel about as wide as high. */
const SHADES = ['  ', '░░', '▒▒', '▓▓', '██'] as const
export const PICTURE_WIDTH = SIDE * 2

/** The digit as eight lines of sixteen characters. */
export function drawDigit({ pixels }: Digit): string[] {
  const values = Object.values(pixels)
  return Array.from({ length: SIDE }, (_, row) =>
    values
      .slice(row * SIDE, (row + 1) * SIDE)
      .map((value) => SHADES[Math.round((value / GREY_MAX) * (SHADES.length - 1))] ?? SHADES[0])
      .join(''),
  )
}

/** Pictures with captions under them, as many beside each other as `columns` have room for. */
export function arrange(pictures: { lines: string[]; caption: Caption[] }[], columns: number) {
  const perRow = Math.max(1, Math.floor((columns + GAP.length) / (PICTURE_WIDTH + GAP.length)))
  const rows: string[] = []
  for (let i = 0; i < pictures.length; i += perRow) {
    const group = pictures.slice(i, i + perRow)
    for (let line = 0; line < SIDE; line++) {
      rows.push(group.map((picture) => picture.lines[line] ?? '').join(GAP))
    }
    const captionLines = Math.max(...group.map((picture) => picture.caption.length))
    for (let line = 0; line < captionLines; line++) {
      rows.push(group.map((picture) => pad(picture.caption[line])).join(GAP))
    }
    rows.push('')
  }
  return rows.map((row) => row.trimEnd())
}

export interface Caption {
  text: string
  /** Puts colour around the padded text. */
  paint: (text: string) => string
}

const GAP = '   '

function pad(caption: Caption | undefined): string {
  return caption === undefined
    ? ' '.repeat(PICTURE_WIDTH)
    : caption.paint(caption.text.padEnd(PICTURE_WIDTH))
}
