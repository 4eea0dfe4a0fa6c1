/** Blanks around a cell are no part of it. Line breaks within quotes are. */
export function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

/** SQL of a text cell as it is meant: without blanks around it, and missing when nothing is left. */
export function trimmedSql(cell: string): string {
  // Comparing the ends is nearly free, and hardly a cell has blanks there; `trim` costs as much as half the parsing.
  return `CASE WHEN ${cell} < '!' OR ends_with(${cell}, ' ') OR ends_with(${cell}, E'\\t')
    THEN nullif(trim(${cell}, E' \\t'), '') ELSE ${cell} END`
}
