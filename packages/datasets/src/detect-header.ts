/**
 * Whether the first line of a CSV file is a row like the others. A header taken for a row puts one odd row in; a row taken
 * for a header loses one and gives columns names such as "5.1": what speaks for a header decides.
 */
import { readCsvHeader } from './csv-header.ts'
import { kindOf, readSample } from './guess-types.ts'
import { trimBlanks } from './trim-blanks.ts'

export async function startsWithData(
  path: string,
  givenSeparator: string | undefined,
): Promise<boolean> {
  const { names, separator } = await readCsvHeader(path, {
    separator: givenSeparator,
    hasHeader: false,
  })
  const records = await readSample({ path, separator, names, hasHeader: false })
  const [first = [], ...rows] = records.map((cells) => cells.map(trimBlanks))
  const numbers: number[] = []
  let isLevel = false
  let isTextRepeated = false
  for (const [i, cell] of first.entries()) {
    const below = rows.map((cells) => cells[i] ?? '').filter((text) => !isMissing(text))
    if (below.length === 0 || isMissing(cell)) continue
    if (below.every((text) => kindOf(text) === 'number')) {
      // A word above numbers is their name.
      if (kindOf(cell) !== 'number') return false
      numbers.push(Number(cell))
    } else {
      // A class or a level stands in other rows too, its name in none.
      isLevel ||= below.includes(cell)
      isTextRepeated ||= new Set(below).size < below.length
    }
  }
  return isLevel || (numbers.length > 0 && !isTextRepeated && !mayBeNames(numbers))
}

function isMissing(text: string): boolean {
  return text === '' || kindOf(text) === 'missing'
}

/** Years, wavelengths and the like go up; a row of whole numbers that differ may be names as well. */
function mayBeNames(numbers: readonly number[]): boolean {
  const isRising = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number))
  const areDifferent = new Set(numbers).size === numbers.length
  return isRising || (areDifferent && numbers.every((number) => Number.isInteger(number)))
}
