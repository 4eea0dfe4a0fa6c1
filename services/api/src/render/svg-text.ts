/** Texts of a picture, escaped. `halo`: colour of a rim that keeps lines from running through the letters. */
export function text(
  x: number,
  y: number,
  content: string,
  style: { fill: string; size?: number; weight?: number; anchor?: 'middle' | 'end'; halo?: string },
): string {
  const { fill, size, weight, anchor, halo } = style
  const attributes = [
    `x="${round(x)}" y="${round(y)}" fill="${fill}"`,
    size === undefined ? '' : ` font-size="${size}"`,
    weight === undefined ? '' : ` font-weight="${weight}"`,
    anchor === undefined ? '' : ` text-anchor="${anchor}"`,
    halo === undefined ? '' : ` stroke="${halo}" stroke-width="4" paint-order="stroke"`,
  ].join('')
  return `<text ${attributes}>${escapeXml(content)}</text>`
}

export function shorten(name: string): string {
  return name.length > 48 ? `${name.slice(0, 47)}…`.toWellFormed() : name
}

export function round(value: number): number {
  return Math.round(value * 10) / 10
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeXml(content: string): string {
  // XML 1.0 has no U+FFFE and U+FFFF, not even escaped.
  return content
    .replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char)
    .replace(/[\uFFFE\uFFFF]/g, '\uFFFD')
}
