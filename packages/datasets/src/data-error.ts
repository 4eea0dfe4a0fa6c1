/** One thing that is wrong with data a caller sent, and where: a line of the file, a column, a place in the body. */
export interface DataFault {
  detail: string
  /** Physical line of the file, from 1; a record with line breaks in quotes has the line it starts on. */
  line?: number
  column?: string
  /** Place in a JSON body, RFC 6901 as a URI fragment: `#/records/3/petal_length`. */
  pointer?: string
  /** What to change in the specification that asks too much of the data. */
  remedy?: string
}

export const FAULTS_MAX = 20

/** The caller's data cannot be used. Carries the first twenty faults; never retried, never a fault of ours. */
export class DataError extends Error {
  readonly faults: readonly DataFault[]

  constructor(faults: readonly DataFault[]) {
    super(faults[0]?.detail ?? 'The data could not be read')
    this.name = 'DataError'
    this.faults = faults.slice(0, FAULTS_MAX)
  }
}

export function refuse(detail: string, where: Omit<DataFault, 'detail'> = {}): never {
  throw new DataError([{ detail, ...where }])
}

/** The cell as it may stand in a sentence: quoted, short, without control characters. */
export function quoteCell(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return JSON.stringify(short)
}
