/** Texts of a picture, escaped. */
export function text(
  x: number,
  y: number,
  content: string,
  style: { fill: string; size?: number; weight?: number; anchor?: 'middle' | 'end' },
): string {
  const { fill, size, weight, anchor } = style
  const attributes = [
    `x="${round(x)}" y="${round(y)}" fill="${fill}"`,
    size === undefined ? '' : ` font-size="${size}"`,
    weight === undefined ? '' : ` font-weight="${weight}"`,
    anchor === undefined ? '' : ` text-anchor="${anchor}"`,
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
