/** Prints rows as a Markdown table, numbers with four significant digits. */
export function printTable(rows: readonly Record<string, unknown>[]): void {
  const names = Object.keys(rows[0] ?? {})
  const texts = rows.map((row) => names.map((name) => toText(row[name])))
  const widths = names.map((name, i) =>
    Math.max(name.length, ...texts.map((row) => (row[i] ?? '').length)),
  )
  const line = (cells: string[]) =>
    console.log(`| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`)
  line(names)
  line(widths.map((width) => '-'.repeat(width)))
  for (const row of texts) line(row)
}

function toText(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value)
}
