/** Handwritten digits as a table, with one row of each digit kept back for the end of the demo. */
export interface Digit {
  /** 64 grey values from 0 to 16, row by row, by column name. */
  pixels: Record<string, number>
  label: string
}

export interface SplitDigits {
  /** CSV without the rows held out. */
  csv: string
  heldOut: Digit[]
}

/** Holds out the last row of each class, in the order of the classes: always the same ones. */
export function holdOutDigits(text: string): SplitDigits {
  const [header = '', ...lines] = text.trimEnd().split(/\r?\n/)
  const columns = header.split(',').slice(0, -1)
  const lastOfClass = new Map<string, number>()
  lines.forEach((line, row) => {
    lastOfClass.set(line.slice(line.lastIndexOf(',') + 1), row)
  })
  const rows = new Set(lastOfClass.values())
  const kept = lines.filter((_, row) => !rows.has(row))
  const heldOut = [...lastOfClass].toSorted().map(([label, row]) => {
    const values = (lines[row] ?? '').split(',')
    const pixels = Object.fromEntries(columns.map((column, i) => [column, Number(values[i])]))
    return { pixels, label }
  })
  return { csv: `${[header, ...kept].join('\n')}\n`, heldOut }
}
