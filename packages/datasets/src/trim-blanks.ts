/** Blanks around a cell are no part of it. Line breaks within quotes are. */
export function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}
